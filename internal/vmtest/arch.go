package main

// arch describes an architecture: its names, and how QEMU boots it.
type arch struct {
	Debian  string // Debian's name for it
	GOARCH  string
	BPF     string // clang's target for BPF objects of this byte order
	Console string // the kernel's name for the console that QEMU shows
	QEMU    []string
	Package string // Debian's package that has this QEMU

	// QEMUSuite is the Debian suite to fetch QEMU from, if the machine's own version does not work.
	QEMUSuite string
}

var (
	amd64 = &arch{
		Debian: "amd64", GOARCH: "amd64", BPF: "bpfel", Console: "ttyS0",
		// cmpxchg16b is off, which kernels can do without: with Debian 12's QEMU 7.2, its emulation
		// sometimes leaves wrong flags, and 6.12's allocator, which branches on them, crashed in 7
		// of 16 boots; without it, in 0 of 40. Page tables have four levels, not five: each TLB
		// miss is a walk in software.
		QEMU: []string{"qemu-system-x86_64", "-cpu", "max,-cx16,-la57"}, Package: "qemu-system-x86",
	}
	// i386 runs 32-bit kernels, which Debian builds without BTF.
	i386 = &arch{
		Debian: "i386", GOARCH: "386", BPF: "bpfel", Console: "ttyS0",
		QEMU: []string{"qemu-system-x86_64", "-cpu", "max"}, Package: "qemu-system-x86",
	}
	arm64 = &arch{
		Debian: "arm64", GOARCH: "arm64", BPF: "bpfel", Console: "ttyAMA0",
		// The kernel signs return addresses. Emulating the architected cipher takes two thirds of
		// the time.
		QEMU: []string{"qemu-system-aarch64", "-M", "virt", "-cpu", "max,pauth-impdef=on"}, Package: "qemu-system-arm",
	}
	s390x = &arch{
		Debian: "s390x", GOARCH: "s390x", BPF: "bpfeb", Console: "ttyS0",
		// Debian 12's QEMU 7.2 miscomputes the checksums that this kernel computes with vector
		// instructions: no ping is answered. 10.0 is correct.
		QEMU: []string{"qemu-system-s390x", "-M", "s390-ccw-virtio"}, Package: "qemu-system-s390x", QEMUSuite: "bookworm-backports",
	}
)
