package sys

// enum bpf_attach_type, include/uapi/linux/bpf.h.
const (
	AttachCgroupInetIngress = iota
	AttachCgroupInetEgress
	AttachCgroupInetSockCreate
	AttachCgroupSockOps
	AttachSKSKBStreamParser
	AttachSKSKBStreamVerdict
	AttachCgroupDevice
	AttachSKMsgVerdict
	AttachCgroupInet4Bind
	AttachCgroupInet6Bind
	AttachCgroupInet4Connect
	AttachCgroupInet6Connect
	AttachCgroupInet4PostBind
	AttachCgroupInet6PostBind
	AttachCgroupUDP4Sendmsg
	AttachCgroupUDP6Sendmsg
	AttachLircMode2
	AttachFlowDissector
	AttachCgroupSysctl
	AttachCgroupUDP4Recvmsg
	AttachCgroupUDP6Recvmsg
	AttachCgroupGetsockopt
	AttachCgroupSetsockopt
	AttachTraceRawTP
	AttachTraceFentry
	AttachTraceFexit
	AttachModifyReturn
	AttachLSMMAC
	AttachTraceIter
	AttachCgroupInet4Getpeername
	AttachCgroupInet6Getpeername
	AttachCgroupInet4Getsockname
	AttachCgroupInet6Getsockname
	AttachXDPDevMap
	AttachCgroupInetSockRelease
	AttachXDPCPUMap
	AttachSKLookup
	AttachXDP
	AttachSKSKBVerdict
	AttachSKReuseportSelect
	AttachSKReuseportSelectOrMigrate
	AttachPerfEvent             // 5.15
	AttachTraceKprobeMulti      // 5.18
	AttachLSMCgroup             // 6.0
	AttachStructOps             // 6.4
	AttachNetfilter             // 6.4
	AttachTCXIngress            // 6.6
	AttachTCXEgress             // 6.6
	AttachTraceUprobeMulti      // 6.6
	AttachCgroupUnixConnect     // 6.7
	AttachCgroupUnixSendmsg     // 6.7
	AttachCgroupUnixRecvmsg     // 6.7
	AttachCgroupUnixGetpeername // 6.7
	AttachCgroupUnixGetsockname // 6.7
	AttachNetkitPrimary         // 6.7
	AttachNetkitPeer            // 6.7
	AttachTraceKprobeSession    // 6.10
	AttachTraceUprobeSession    // 6.13
	AttachTraceFsession         // 7.0
	AttachTraceFentryMulti      // by 7.2
	AttachTraceFexitMulti       // by 7.2
	AttachTraceFsessionMulti    // by 7.2
)
