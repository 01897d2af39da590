package main

import "golang.org/x/sys/unix"

// oldCalls are the system calls that newer architectures have only as *at variants.
var oldCalls = []uint32{unix.SYS_RENAME, unix.SYS_UNLINK, unix.SYS_MKDIR, unix.SYS_RMDIR}
