package features

import (
	"encoding/binary"
	"runtime"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ProgramType reports whether the kernel supports a type of program, a value of enum bpf_prog_type
// such as unix.BPF_PROG_TYPE_XDP: it returns nil if it does. See the package documentation for
// errors.
func ProgramType(typ uint32) error {
	return answer(question{programType, typ, 0}, func() error {
		what := sys.ProgTypeSymbol(typ)
		errno, log := loadProgram(typ, attachTypeOf(typ), insn(0xb7, 0), insn(0x95, 0)) // r0 = 0; exit
		switch {
		case errno == 0 || log != "": // it got as far as the verifier
			return nil
		case errno == unix.EINVAL:
			return no(what, explain.ProgramTypeTooNew(typ))
		}
		return &cannotTell{what, errno}
	})
}

// Helper reports whether programs of a type can call a helper, a value of enum bpf_func_id such as
// 174 for bpf_get_attach_cookie: it returns nil if they can. See the package documentation for
// errors. The helpers of programs of type TRACING, LSM, EXT and STRUCT_OPS depend on what they
// attach to: for these, Helper reports whether the kernel has the helper at all.
func Helper(progType, id uint32) error {
	return answer(question{helper, progType, id}, func() error {
		what := explain.HelperName(id)
		typ, any := progType, false
		switch progType {
		case sys.ProgTypeTracing, sys.ProgTypeLSM, sys.ProgTypeExt, sys.ProgTypeStructOps:
			typ, any = sys.ProgTypeKprobe, true
		}
		if err := ProgramType(progType); err != nil {
			return err
		}
		errno, log := loadProgram(typ, attachTypeOf(typ), insn(0x85, int32(id)), insn(0xb7, 0), insn(0x95, 0)) // call id; r0 = 0; exit
		switch {
		case errno == 0:
			return nil
		case strings.Contains(log, "invalid func unknown#"):
			return no(what, explain.HelperTooNew(id))
		case !any && (strings.Contains(log, "unknown func ") || strings.Contains(log, "cannot use helper ")):
			return no(what+" for programs of "+sys.ProgTypeSymbol(progType), explain.HelperTooNew(id))
		case log != "": // it rejects the arguments
			return nil
		}
		return &cannotTell{what, errno}
	})
}

// attachTypeOf returns the attach type for program types that are loaded only with their own
// (bpf_prog_load_check_attach).
func attachTypeOf(typ uint32) uint32 {
	switch typ {
	case sys.ProgTypeCgroupSockAddr:
		return sys.AttachCgroupInet4Connect
	case sys.ProgTypeCgroupSockopt:
		return sys.AttachCgroupGetsockopt
	case sys.ProgTypeSKLookup:
		return sys.AttachSKLookup
	case sys.ProgTypeSKReuseport:
		return sys.AttachSKReuseportSelect
	case sys.ProgTypeNetfilter:
		return sys.AttachNetfilter
	}
	return 0
}

// insn returns an instruction on R0.
func insn(code uint8, imm int32) []byte {
	return binary.NativeEndian.AppendUint32([]byte{code, 0, 0, 0}, uint32(imm))
}

// loadProgram loads a program and returns the kernel's answer.
func loadProgram(typ, attachType uint32, insns ...[]byte) (unix.Errno, string) {
	num, errno, log := openProgram(typ, attachType, insns...)
	if errno == 0 {
		unix.Close(num)
	}
	return errno, log
}

func openProgram(typ, attachType uint32, insns ...[]byte) (num int, errno unix.Errno, log string) {
	var code []byte
	for _, insn := range insns {
		code = append(code, insn...)
	}
	license, buf := []byte("GPL\x00"), make([]byte, 1<<12)
	attr := sys.ProgLoadAttr{
		ProgType: typ, ExpectedAttachType: attachType,
		InsnCnt: uint32(len(insns)), Insns: sys.Addr(unsafe.Pointer(&code[0])), License: sys.Addr(unsafe.Pointer(&license[0])),
		LogLevel: 1, LogSize: uint32(len(buf)), LogBuf: sys.Addr(unsafe.Pointer(&buf[0])),
	}
	if typ == sys.ProgTypeSyscall {
		attr.ProgFlags = sys.FlagSleepable
	}
	for range 100 {
		num, errno = sys.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.CoreRelos))
		if errno != unix.EAGAIN { // the thread got a signal, which Go sends often
			break
		}
	}
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	return num, errno, unix.ByteSliceToString(buf)
}
