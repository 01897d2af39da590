package sameload

// Style is how the instructions of a load refer to maps. It determines which tags can be compared.
type Style string

const (
	// ByIndex is by index in fd_array, as in every loader program.
	ByIndex Style = "by index"
	// ByFD is by file descriptor, as in libbpf without its loader.
	ByFD Style = "by fd"
)

// View is what the kernel reports about the maps and programs of a load.
type View struct {
	Style Style
	// Maps are the maps by name in the object; a map of global data has its section's name.
	Maps map[string]Map
	// Programs are the programs by name.
	Programs map[string]Program
}

// Map is what the kernel reports about a map.
type Map struct {
	Name       string // the kernel's name
	Type       string
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	Extra      uint64
	NumaNode   int32
	Frozen     bool

	// Key and Value are the BTF types, by kind and name, or "" if the map has none.
	Key, Value string
	// VmlinuxValue reports whether the value is a kernel type (struct_ops).
	VmlinuxValue bool
	// Inner is the template for inner maps, or nil unless this is a map of maps.
	Inner *Template

	// Contents are the elements, key and value in hexadecimal, without an array's zero elements. In
	// program arrays a value is a program's name; in maps of maps, "map NAME" for a map of the
	// object.
	Contents map[string]string
	// Nested are the inner maps that are not maps of the object, by key in hexadecimal.
	Nested map[string]Map
}

// Template is the kernel's record of a map of maps' inner definition.
type Template struct {
	Type       string
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
}

// Program is what the kernel reports about a program.
type Program struct {
	Name string // the kernel's name
	Type string
	// ExpectedAttachType is enum bpf_attach_type.
	ExpectedAttachType uint32
	// AttachTo is what the program is verified against: "vmlinux: func NAME", or "".
	AttachTo      string
	Sleepable     bool
	Frags         bool // XDP with multi-buffer support
	GPLCompatible bool
	HasBTF        bool

	Tag string
	// TagVaries reports whether the tag depends on the load's style: see the package comment.
	TagVaries bool
	// FixedTag is false if the tag cannot be compared in any style.
	FixedTag bool

	// Insns are the translated instructions, one per line, with maps by name and without addresses.
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
