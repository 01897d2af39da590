// Package v1 is version 1 of an agent that counts packets.
package v1

import (
	"errors"
	"io/fs"
	"os"

	"github.com/bpf2lskel/bpf2lskel/examples/upgrade/v1/skel"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

//go:generate go tool bpf2lskel -o skel counter.bpf.c

// Agent is this process's part of the counter. The map and the link are pinned, so counting goes on
// without it.
type Agent struct {
	*skel.Skeleton
	link *runtime.Link
}

// Start counts the packets of an interface. It takes over what another version or an earlier
// process has pinned in the directory: the link continues with this version's program, and the
// counts move to this version's map.
func Start(ifindex int, dir string) (*Agent, error) {
	s, err := skel.Open()
	if err != nil {
		return nil, err
	}
	a := &Agent{Skeleton: s}
	if err := a.start(ifindex, dir); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *Agent) start(ifindex int, dir string) error {
	// The map of another version may be incompatible. It is set aside, not deleted: the program
	// that is still attached counts in it.
	err := a.LoadWith(&runtime.LoadOptions{Pins: &runtime.PinOptions{Path: dir, Incompatible: runtime.SetAsidePinned}})
	if err != nil {
		return err
	}
	if err := a.attach(ifindex, dir+"/link"); err != nil {
		return err
	}
	// From here on, packets are counted in the new map. Add the counts of the old one.
	return a.moveCounts(runtime.AsidePath(dir + "/counts"))
}

func (a *Agent) attach(ifindex int, path string) (err error) {
	a.link, err = runtime.OpenPinnedLink(path)
	if errors.Is(err, fs.ErrNotExist) {
		if a.link, err = a.Progs.CountPackets.AttachXDP(ifindex, nil); err != nil {
			return err
		}
		return a.link.Pin(path)
	}
	if err != nil {
		return err
	}
	return a.link.Update(a.Progs.CountPackets) // atomic: no packet is missed
}

func (a *Agent) moveCounts(path string) error {
	old, err := runtime.OpenPinnedMap(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there was no other version
	}
	if err != nil {
		return err
	}
	defer old.Close()
	err = runtime.MoveCounts(old, a.Maps.Counts, func(c *skel.Counter) []any { return []any{&c.Packets, &c.Bytes} })
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// Close releases this process's resources. The link is pinned, so the program goes on counting.
func (a *Agent) Close() error {
	if a.link != nil {
		a.link.Close()
	}
	return a.Skeleton.Close()
}
