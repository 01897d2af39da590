package main

import "golang.org/x/sys/unix"

// oldCalls are those that newer architectures have only with "at".
var oldCalls = []uint32{unix.SYS_RENAME, unix.SYS_UNLINK, unix.SYS_MKDIR, unix.SYS_RMDIR}
