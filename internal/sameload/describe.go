package sameload

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Describe asks the kernel about the maps and programs of a load, given by name and file
// descriptor. It assumes that a loader program made the load; otherwise, see [View.Style].
func Describe(mapFDs, progFDs map[string]int) (View, error) {
	d, err := newDescriber()
	if err != nil {
		return View{}, err
	}
	v := View{Style: ByIndex, Maps: map[string]Map{}, Programs: map[string]Program{}}

	// Names first: programs refer to maps, and maps to each other, by ID.
	mapFDs, err = d.canonical(mapFDs)
	if err != nil {
		return View{}, err
	}
	for given, fd := range progFDs {
		var info sys.ProgInfo
		if err := objInfo(fd, &info); err != nil {
			return View{}, fmt.Errorf("program %s: %w", given, err)
		}
		d.progNames[info.Id] = given
	}

	for name, fd := range mapFDs {
		if v.Maps[name], err = d.mapView(fd); err != nil {
			return View{}, fmt.Errorf("map %s: %w", name, err)
		}
	}
	for name, fd := range progFDs {
		if v.Programs[name], err = d.progView(fd); err != nil {
			return View{}, fmt.Errorf("program %s: %w", name, err)
		}
	}
	return v, nil
}

// DescribeProcess describes the maps and programs that another process holds, by the kernel's
// names, with a number appended to duplicates.
func DescribeProcess(pid int) (View, error) {
	mapFDs, progFDs, err := processFDs(pid)
	defer closeAll(mapFDs)
	defer closeAll(progFDs)
	if err != nil {
		return View{}, err
	}
	return Describe(mapFDs, progFDs)
}

// processFDs opens the maps and programs that a process holds, in the order of its file
// descriptors.
func processFDs(pid int) (mapFDs, progFDs map[string]int, err error) {
	mapFDs, progFDs = map[string]int{}, map[string]int{}
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		fields, err := readFdinfo(path)
		if os.IsNotExist(err) {
			continue // closed in the meantime
		}
		if err != nil {
			return mapFDs, progFDs, err
		}
		if id, ok := fields["map_id"]; ok {
			err = openID(mapFDs, sys.CmdMapGetFdByID, id)
		} else if id, ok := fields["prog_id"]; ok {
			err = openID(progFDs, sys.CmdProgGetFdByID, id)
		}
		if err != nil {
			return mapFDs, progFDs, err
		}
	}
	return mapFDs, progFDs, nil
}

// openID opens a map or program by ID and stores it under its name.
func openID(fds map[string]int, cmd sys.Cmd, text string) error {
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return err
	}
	fd, err := fdByID(cmd, uint32(id))
	if err != nil {
		return fmt.Errorf("open id %d: %w", id, err)
	}
	var name string
	if cmd == sys.CmdMapGetFdByID {
		var info sys.MapInfo
		err = objInfo(fd, &info)
		name = cString(info.Name[:])
	} else {
		var info sys.ProgInfo
		err = objInfo(fd, &info)
		name = cString(info.Name[:])
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	unique := name
	for n := 2; ; n++ {
		if _, taken := fds[unique]; !taken {
			break
		}
		unique = fmt.Sprintf("%s %d", name, n)
	}
	fds[unique] = fd
	return nil
}

func closeAll(fds map[string]int) {
	for fd := range maps.Values(fds) {
		unix.Close(fd)
	}
}

// describer holds the state for describing one load.
type describer struct {
	btf       btfCache
	maps      map[uint32]mapFields
	programs  map[uint32]progFields
	mapNames  map[uint32]string // by ID
	progNames map[uint32]string // by ID
}

// namer returns a describer that can only find names.
func namer() *describer {
	return &describer{btf: btfCache{}, mapNames: map[uint32]string{}, progNames: map[uint32]string{}}
}

func newDescriber() (*describer, error) {
	programs, err := introspectPrograms()
	if err != nil {
		return nil, err
	}
	maps, err := introspectMaps()
	if err != nil {
		return nil, err
	}
	d := namer()
	d.maps, d.programs = maps, programs
	return d, nil
}

// canonical renames maps to their names in the object, and records the names for references to the
// maps.
func (d *describer) canonical(fds map[string]int) (map[string]int, error) {
	renamed := make(map[string]int, len(fds))
	for given, fd := range fds {
		name, err := d.name(given, fd)
		if err != nil {
			return nil, fmt.Errorf("map %s: %w", given, err)
		}
		if _, ok := renamed[name]; ok {
			return nil, fmt.Errorf("two maps are named %s", name)
		}
		renamed[name] = fd
	}
	return renamed, nil
}

// name finds a map's name in its object, and records it for references to the map.
func (d *describer) name(given string, fd int) (string, error) {
	var info sys.MapInfo
	if err := objInfo(fd, &info); err != nil {
		return "", err
	}
	value, err := d.btf.typeByID(info.BtfId, info.BtfValueTypeId)
	if err != nil {
		return "", err
	}
	name := mapName(given, cString(info.Name[:]), value)
	d.mapNames[info.Id] = name
	return name, nil
}
