//go:build amd64 || arm64 || s390x

// Package usdtsites supports tests of USDT probes. It has instructions without effect that are
// passed with known values in registers and memory. The tests write the notes that turn them into
// probes.
package usdtsites

// Fire passes the three instructions once. The tables Registers and Memory list its values.
func Fire()

// Addresses returns the virtual addresses of the instructions, the memory that the operands in
// Memory refer to, and a semaphore.
func Addresses() (site, data uintptr, semaphore *uint16)

// Values are the values of the operands in Registers and Memory: 8, 8, 4, 4, 2, 2, 1 and 1 bytes,
// extended to 64 bits. Every second one is signed.
var Values = [8]int64{-0x778899aabbccddef, -5, 0x80000001, -16, 0x8001, -32767, 0xff, -1}

// Before is the signed 2-byte number before the memory at data.
const Before = 32766
