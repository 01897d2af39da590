package sameload

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// mapView describes one map.
func (d *describer) mapView(fd int) (Map, error) {
	var info mapInfo
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

		VmlinuxValue: info.BtfVmlinuxValueTypeID != 0,
	}
	key, err := d.btf.typeByID(info.BtfID, info.BtfKeyTypeID)
	if err != nil {
		return Map{}, err
	}
	value, err := d.btf.typeByID(info.BtfID, info.BtfValueTypeID)
	if err != nil {
		return Map{}, err
	}
	m.Key, m.Value = typeName(key), typeName(value)

	fields, ok := d.maps[info.ID]
	if !ok {
		// An inner map that was created since this describer was made cannot be: loads are over by then.
		return Map{}, fmt.Errorf("the map iterator does not know id %d", info.ID)
	}
	m.NumaNode = fields.NumaNode
	if in := fields.Inner; in.Type != 0 {
		m.Inner = &Template{ebpf.MapType(in.Type).String(), in.KeySize, in.ValueSize, in.MaxEntries, in.Flags}
	}
	m.Contents, m.Nested, err = d.contents(fd, info)
	return m, err
}
