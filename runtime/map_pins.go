package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/load"

// PinOptions configure the maps that the source pins by name (LIBBPF_PIN_BY_NAME):
//
//	s.LoadWith(&runtime.LoadOptions{Pins: &runtime.PinOptions{Path: "/sys/fs/bpf/agent"}})
//
// Load uses a pinned map if its type, key and value sizes, max_entries, map_flags and map_extra
// match the object. If they do not, Load fails with an [IncompatibleMapError], unless Incompatible
// decides otherwise. Maps that are not pinned yet are created and, once all programs are loaded,
// pinned under their names in the source; a failed load leaves no pins. Processes that load the
// same object at the same time all get the same map. A map passed to [ReuseMap] is neither looked
// for nor pinned. Close does not unpin maps: remove the file for that.
type PinOptions = load.PinOptions

// PinConflict describes a pinned map that does not match the object, for [PinOptions].Incompatible.
type PinConflict = load.PinConflict

// ReplacePinned is for [PinOptions].Incompatible: it pins the object's map in place of the old one,
// whose entries can then no longer be reached by path. Programs that use the old map continue to do
// so.
func ReplacePinned(c *PinConflict) error { return load.ReplacePinned(c) }

// CopyPinned is for [PinOptions].Incompatible: it copies the entries of the pinned map to the
// object's map, and pins that in its place. Keys must have the same size. Values may have grown,
// like a struct with new fields at its end: the new bytes are zero. Fields that the kernel manages,
// such as a bpf_timer, must be at the same offsets in both, and start anew. Other fields are not
// compared: they must not have moved. CopyPinned supports maps that
// can list their keys: hashes, arrays, LPM tries, and per-CPU hashes and arrays.
//
// Writes of programs to the old map after the copy are lost. For counters, use [SetAsidePinned] and
// [MoveCounts].
func CopyPinned(c *PinConflict) error { return load.CopyPinned(c) }

// SetAsidePinned is for [PinOptions].Incompatible: it atomically pins the object's map in place of
// the old one, which stays pinned at [AsidePath]. Programs that use the old map can count there
// until they are replaced, and no counts become unreachable; see [MoveCounts]. If that pin already
// exists, left by an interrupted upgrade to yet another version, SetAsidePinned fails and names it.
// It requires Linux 5.16.
func SetAsidePinned(c *PinConflict) error { return load.SetAsidePinned(c) }

// AsidePath returns the path, with suffix "_old", at which [SetAsidePinned] leaves a map that was
// pinned at path.
func AsidePath(path string) string { return load.AsidePath(path) }
