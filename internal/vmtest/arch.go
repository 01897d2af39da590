package main

// arch is what differs between architectures: their names, and how QEMU boots them.
type arch struct {
	Debian  string // what Debian calls it
	GOARCH  string
	BPF     string // clang's target for BPF objects of this byte order
	Console string // the kernel's name for the console that QEMU shows
	QEMU    []string
	Package string // Debian's package that has this QEMU

	// QEMUSuite is where this QEMU is fetched from, if the machine's own will not do.
	QEMUSuite string
}

var (
	amd64 = &arch{
		Debian: "amd64", GOARCH: "amd64", BPF: "bpfel", Console: "ttyS0",
		// Without cmpxchg16b, which kernels do without if they must: the emulation in Debian 12's
		// QEMU 7.2 now and then leaves wrong flags behind it, and 6.12, whose allocator branches on
		// them, crashed in 7 of 16 boots. Without: 0 of 40. And with four levels of page tables
		// rather than five: every TLB miss is a walk in software.
		QEMU: []string{"qemu-system-x86_64", "-cpu", "max,-cx16,-la57"}, Package: "qemu-system-x86",
	}
	// i386 is for a kernel of 32 bits: Debian builds these without BTF.
	i386 = &arch{
		Debian: "i386", GOARCH: "386", BPF: "bpfel", Console: "ttyS0",
		QEMU: []string{"qemu-system-x86_64", "-cpu", "max"}, Package: "qemu-system-x86",
	}
	arm64 = &arch{
		Debian: "arm64", GOARCH: "arm64", BPF: "bpfel", Console: "ttyAMA0",
		// The kernel signs its return addresses. Emulating the cipher that this is specified with
		// takes two thirds of all time.
		QEMU: []string{"qemu-system-aarch64", "-M", "virt", "-cpu", "max,pauth-impdef=on"}, Package: "qemu-system-arm",
	}
	s390x = &arch{
		Debian: "s390x", GOARCH: "s390x", BPF: "bpfeb", Console: "ttyS0",
		// Debian 12's QEMU 7.2 gets checksums of the kernel wrong, which computes them with vector
		// instructions: there is no answer to any ping. 10.0 does them right.
		QEMU: []string{"qemu-system-s390x", "-M", "s390-ccw-virtio"}, Package: "qemu-system-s390x", QEMUSuite: "bookworm-backports",
	}
)
