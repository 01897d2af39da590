package sameload

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// mapView describes one map.
func (d *describer) mapView(fd int) (Map, error) {
	var info sys.MapInfo
	if err := objInfo(fd, &info); err != nil {
		return Map{}, err
	}
	proc, err := fdinfo(fd)
	if err != nil {
		return Map{}, err
	}
	m := Map{
		Name:       cString(info.Name[:]),
		Type:       ebpf.MapType(info.Type).String(),
		KeySize:    info.KeySize,
		ValueSize:  info.ValueSize,
		MaxEntries: info.MaxEntries,
		Flags:      info.MapFlags,
		Extra:      info.MapExtra,
		Frozen:     proc["frozen"] == "1",

		VmlinuxValue: info.BtfVmlinuxValueTypeId != 0,
	}
	key, err := d.btf.typeByID(info.BtfId, info.BtfKeyTypeId)
	if err != nil {
		return Map{}, err
	}
	value, err := d.btf.typeByID(info.BtfId, info.BtfValueTypeId)
	if err != nil {
		return Map{}, err
	}
	m.Key, m.Value = typeName(key), typeName(value)

	fields, ok := d.maps[info.Id]
	if !ok {
		// An inner map cannot be newer than this describer: loads are over by then.
		return Map{}, fmt.Errorf("the map iterator does not know id %d", info.Id)
	}
	m.NumaNode = fields.NumaNode
	if in := fields.Inner; in.Type != 0 {
		m.Inner = &Template{ebpf.MapType(in.Type).String(), in.KeySize, in.ValueSize, in.MaxEntries, in.Flags}
	}
	m.Contents, m.Nested, err = d.contents(fd, info)
	return m, err
}
