//go:build amd64 || arm64 || s390x

// Package usdtsites is for tests of USDT probes: instructions that do nothing, which it comes by
// with known values in registers and in memory. The tests write the notes that make probes of them.
package usdtsites

// Fire comes by the three instructions, once. What it has in registers is in the tables of
// Registers and Memory, what it has in memory also in the assembler's source.
func Fire()

// Addresses returns where the instructions are in the program's virtual memory, the memory that the
// operands of Memory refer to, and a semaphore.
func Addresses() (site, data uintptr, semaphore *uint16)

// Values are what the operands of Registers and of Memory have, of which each second one is signed:
// 8, 8, 4, 4, 2, 2, 1 and 1 bytes, extended to 64 bits.
var Values = [8]int64{-0x778899aabbccddef, -5, 0x80000001, -16, 0x8001, -32767, 0xff, -1}

// Before is the signed number of 2 bytes before the memory that is at data.
const Before = 32766
