package sameload

// Style is how the instructions of a load refer to maps. It decides which tags can be compared.
type Style string

const (
	// ByIndex is by index in fd_array, as every loader program does it.
	ByIndex Style = "by index"
	// ByFD is by file descriptor, as libbpf does it without its loader.
	ByFD Style = "by fd"
)

// View is what the kernel says about the maps and programs of one load.
type View struct {
	Style Style
	// Maps by name: the name in the object, that of the section for global data.
	Maps map[string]Map
	// Programs by name.
	Programs map[string]Program
}

// Map is what the kernel says about a map.
type Map struct {
	Name       string // as the kernel keeps it
	Type       string
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	Extra      uint64
	NumaNode   int32
	Frozen     bool

	// Key and Value are the BTF types, by kind and name; "" where the map has none.
	Key, Value string
	// VmlinuxValue is whether the value is a type of the kernel (struct_ops).
	VmlinuxValue bool
	// Inner is what inner maps must look like; nil unless this is a map of maps.
	Inner *Template

	// Contents are the elements, key and value in hexadecimal, less those of an array that are all
	// zero. The value is a program's name in program arrays; in maps of maps it is "map NAME" for a
	// map of the object.
	Contents map[string]string
	// Nested are the inner maps that are not maps of the object themselves, by key in hexadecimal.
	Nested map[string]Map
}

// Template is what the kernel keeps of a map of maps' inner definition.
type Template struct {
	Type       string
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
}

// Program is what the kernel says about a program.
type Program struct {
	Name string // as the kernel keeps it
	Type string
	// ExpectedAttachType is enum bpf_attach_type.
	ExpectedAttachType uint32
	// AttachTo names what the program is verified against: "vmlinux: func NAME"; "" if nothing.
	AttachTo      string
	Sleepable     bool
	Frags         bool // XDP with multi-buffer support
	GPLCompatible bool
	HasBTF        bool

	Tag string
	// TagVaries is whether the tag depends on the load's style, see the package comment.
	TagVaries bool
	// FixedTag is false if the tag cannot be compared, whatever the style.
	FixedTag bool

	// Insns are the translated instructions, one a line, maps by name and addresses left out.
	Insns []string
	// Funcs are the functions, by instruction and name.
	Funcs []string
	// Lines is the line info, by instruction.
	Lines []Line
}

// Line is one record of line info.
type Line struct {
	Insn    uint32
	File    string
	LineCol uint32 // line << 10 | column
	Text    string
}
