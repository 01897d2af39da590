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

// Agent is what counts in this process. The counting itself does not end with it: map and link are
// pinned.
type Agent struct {
	*skel.Skeleton
	link *runtime.Link
}

// Start counts the packets of an interface. What another version, or an earlier life, has pinned in
// the folder goes on: the link with this version's program, and the counts in this version's map.
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
	// An incompatible map, that of another version, is set aside: the program that counts in it is
	// attached still.
	err := a.LoadWith(&runtime.LoadOptions{Pins: &runtime.PinOptions{Path: dir, Incompatible: runtime.SetAsidePinned}})
	if err != nil {
		return err
	}
	if err := a.attach(ifindex, dir+"/link"); err != nil {
		return err
	}
	// From here on everything is counted in the new map, and what is in the old one goes there too.
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
	return a.link.Update(a.Progs.CountPackets) // in one step: no packet is missed
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

// Close ends the process's part. The link is pinned, and the program goes on counting.
func (a *Agent) Close() error {
	if a.link != nil {
		a.link.Close()
	}
	return a.Skeleton.Close()
}
