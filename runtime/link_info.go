package runtime

import (
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// LinkType is the kernel's enum bpf_link_type.
type LinkType uint32

// Types of links.
const (
	LinkRawTracepoint LinkType = sys.LinkTypeRawTracepoint
	LinkTracing       LinkType = sys.LinkTypeTracing
	LinkCgroup        LinkType = sys.LinkTypeCgroup
	LinkIter          LinkType = sys.LinkTypeIter
	LinkNetNS         LinkType = sys.LinkTypeNetNS
	LinkXDP           LinkType = sys.LinkTypeXDP
	LinkPerfEvent     LinkType = sys.LinkTypePerfEvent
	LinkKprobeMulti   LinkType = sys.LinkTypeKprobeMulti
	LinkStructOps     LinkType = sys.LinkTypeStructOps
	LinkNetfilter     LinkType = sys.LinkTypeNetfilter
	LinkTCX           LinkType = sys.LinkTypeTCX
	LinkUprobeMulti   LinkType = sys.LinkTypeUprobeMulti
	LinkNetkit        LinkType = sys.LinkTypeNetkit
	LinkSockMap       LinkType = sys.LinkTypeSockMap
	LinkTracingMulti  LinkType = sys.LinkTypeTracingMulti
)

var linkTypes = [...]string{
	"none", "raw tracepoint", "tracing", "cgroup", "iterator", "netns", "XDP", "perf event", "kprobe multi",
	"struct_ops", "netfilter", "TCX", "uprobe multi", "netkit", "sockmap", "tracing multi",
}

// String returns a readable name of the type, such as "perf event".
func (t LinkType) String() string {
	if int(t) < len(linkTypes) {
		return linkTypes[t]
	}
	return fmt.Sprintf("link type %d", uint32(t))
}

// LinkInfo is the kernel's information about a link. Fields that do not apply to its Type are 0.
type LinkInfo struct {
	Type      LinkType
	ID        uint32
	ProgramID uint32

	AttachType uint32 // enum bpf_attach_type: tracing, cgroup, netns, TCX, netkit, sockmap
	Ifindex    uint32 // XDP, TCX, netkit; 0 once the interface is gone
	CgroupID   uint64 // cgroup
	NetNSInode uint32 // netns
	MapID      uint32 // struct_ops, sockmap
	Count      uint32 // number of functions: kprobe multi, tracing multi (7.3)
	Missed     uint64 // kprobe multi: calls while another program ran on that CPU

	TargetObject uint32 // tracing: ID of the BTF, or of the traced program
	TargetBTF    uint32 // tracing: BTF ID of the function

	// Netfilter.
	ProtocolFamily uint32
	Hook           uint32
	Priority       int32
}

// Info returns the kernel's information about the link.
func (l *Link) Info() (LinkInfo, error) {
	num, err := l.acquire("info of")
	if err != nil {
		return LinkInfo{}, err
	}
	defer l.fd.release()
	raw := new(sys.LinkInfo)
	if errno := sys.ObjInfo(num, unsafe.Pointer(raw), unsafe.Sizeof(*raw)); errno != 0 {
		return LinkInfo{}, l.fail("info of", errno)
	}
	info := LinkInfo{Type: LinkType(raw.Type), ID: raw.Id, ProgramID: raw.ProgId}
	tail := unsafe.Pointer(&raw.Tail)
	switch info.Type {
	case LinkTracing:
		t := (*sys.LinkInfoTracing)(tail)
		info.AttachType, info.TargetObject, info.TargetBTF = t.AttachType, t.TargetObjId, t.TargetBtfId
	case LinkCgroup:
		t := (*sys.LinkInfoCgroup)(tail)
		info.CgroupID, info.AttachType = t.CgroupId, t.AttachType
	case LinkNetNS:
		t := (*sys.LinkInfoNetNS)(tail)
		info.NetNSInode, info.AttachType = t.NetnsIno, t.AttachType
	case LinkXDP:
		info.Ifindex = (*sys.LinkInfoXDP)(tail).Ifindex
	case LinkTCX, LinkNetkit:
		t := (*sys.LinkInfoDevice)(tail)
		info.Ifindex, info.AttachType = t.Ifindex, t.AttachType
	case LinkStructOps:
		info.MapID = (*sys.LinkInfoMap)(tail).MapId
	case LinkSockMap:
		t := (*sys.LinkInfoMap)(tail)
		info.MapID, info.AttachType = t.MapId, t.AttachType
	case LinkTracingMulti:
		t := (*sys.LinkInfoTracingMulti)(tail)
		info.AttachType, info.Count = t.AttachType, t.Count
	case LinkKprobeMulti:
		t := (*sys.LinkInfoKprobeMulti)(tail)
		info.Count, info.Missed = t.Count, t.Missed
	case LinkNetfilter:
		t := (*sys.LinkInfoNetfilter)(tail)
		info.ProtocolFamily, info.Hook, info.Priority = t.Pf, t.Hooknum, t.Priority
	}
	return info, nil
}
