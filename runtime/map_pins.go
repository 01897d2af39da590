package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/load"

// PinOptions are about the maps that the source pins by name (LIBBPF_PIN_BY_NAME):
//
//	s.LoadWith(&runtime.LoadOptions{Pins: &runtime.PinOptions{Path: "/sys/fs/bpf/agent"}})
//
// Load uses what is pinned there, if it is as the object has it: type, sizes of keys and values,
// max_entries, map_flags and map_extra. If it is not, the error is an [IncompatibleMapError];
// Incompatible decides otherwise. What is not pinned yet is created and pinned, under the map's
// name in the source, once all programs are loaded; a load that fails leaves no pins. Of several
// processes that load the same object at once all get the same map. A map that [ReuseMap] gives is
// not looked for, and not pinned. Close leaves pins alone: remove the file to unpin.
type PinOptions = load.PinOptions

// PinConflict is a pinned map that is not as the object has it, for [PinOptions].Incompatible.
type PinConflict = load.PinConflict

// ReplacePinned is for [PinOptions].Incompatible: the object's map takes the pinned one's place,
// and the old map's entries are lost to whoever looks there. Programs that use the old map go on to
// do so.
func ReplacePinned(c *PinConflict) error { return load.ReplacePinned(c) }

// CopyPinned is for [PinOptions].Incompatible: the entries of the pinned map are copied to the
// object's, which then takes its place. Keys have to be of the same size. Values may have grown, as
// a struct does that gets more fields at its end: what is new in them is zero. Maps that list their
// keys can be copied: hashes, arrays, LPM tries, and those with a value for each CPU.
//
// What a program writes to the old map after that is not copied. For what is being counted use
// [SetAsidePinned] and [MoveCounts].
func CopyPinned(c *PinConflict) error { return load.CopyPinned(c) }

// SetAsidePinned is for [PinOptions].Incompatible: the object's map takes the pinned one's place,
// in one step, and the old one stays pinned at [AsidePath]. So programs that use the old map can go
// on counting, until they are replaced, and nothing of what they have counted is out of reach; see
// [MoveCounts]. If there is such a pin already, from an upgrade to yet another version that was
// interrupted, that is an error which names it. It needs Linux 5.16.
func SetAsidePinned(c *PinConflict) error { return load.SetAsidePinned(c) }

// AsidePath returns where [SetAsidePinned] leaves a map that was pinned at path: path with "_old".
func AsidePath(path string) string { return load.AsidePath(path) }
