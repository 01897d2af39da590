package explain

import (
	"strconv"
	"strings"
)

// Decisive returns the reason in a log of the verifier, or of the kernel's BTF parser, as one line:
// the last message that is not part of the trace, the source line that it refers to, and the
// kernel's suggestion, if any. It returns "" if the log has no reason, because the verifier
// accepted the program or did not run.
func Decisive(log string) string {
	var lines []string // with strings.Cut: strings.Split would add 4 KB to each user's binary
	for line, rest, more := "", strings.TrimSpace(log), true; more; {
		line, rest, more = strings.Cut(rest, "\n")
		lines = append(lines, line)
	}
	report, lines := cutReport(lines)
	last := len(lines) - 1
	for last >= 0 && isDetail(lines[last]) {
		last--
	}
	said := ""
	if last >= 0 && !isRelocation(lines[last]) {
		said = strings.TrimSpace(lines[last])
		if before := previous(lines, last); !isTrace(before) && !isTrace(said) {
			said = strings.TrimSpace(before) + "; " + said
		}
	}
	if report.reason != "" && (said == "" || isTrace(said)) {
		said = report.reason // only the report has it
	}
	if said == "" {
		return ""
	}
	for ; last >= 0; last-- {
		source, ok := strings.CutPrefix(lines[last], "; ")
		if source = strings.TrimSpace(source); ok && source != "" && source[0] != '@' { // the compiler generates "@ x.c:0"
			said += ", at: " + source
			break
		}
	}
	if report.suggestion != "" {
		said += "; suggestion: " + report.suggestion
	}
	return said
}

// previous returns the last non-empty line before line i, or "".
func previous(lines []string, i int) string {
	for i--; i >= 0; i-- {
		if strings.TrimSpace(lines[i]) != "" {
			return lines[i]
		}
	}
	return ""
}

// report holds the parts used of a report, with which Linux 7.3 explains many refusals at length.
type report struct{ reason, suggestion string }

// cutReport removes the report from a log, if it has one. The message of older kernels is in a line
// before the report, and sometimes after it as well. The report consists of a head line,
// "Verification failed: ...", and sections of indented lines under "Reason:", "At:", "Causal path:"
// and "Suggestion:".
func cutReport(lines []string) (r report, rest []string) {
	begin := 0
	for begin < len(lines) && !strings.HasPrefix(lines[begin], "Verification failed: ") {
		begin++
	}
	section := new(string)
	for end := begin + 1; end < len(lines); end++ {
		switch line := lines[end]; {
		case line == "":
		case strings.HasPrefix(line, "  "):
			*section = strings.TrimSpace(*section + " " + strings.TrimSpace(line))
		case line == "Reason:":
			section = &r.reason
		case line == "Suggestion:":
			section = &r.suggestion
		case strings.HasSuffix(line, ":"):
			section = new(string)
		default:
			return r, append(lines[:begin:begin], lines[end:]...)
		}
	}
	return r, lines[:begin]
}

// isDetail reports whether a line is a detail after the message: statistics, or a state of an
// infinite loop.
func isDetail(line string) bool {
	for _, prefix := range []string{
		"processed ", "verification time ", "stack depth ", "cur state:", "old state:",
	} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return strings.TrimSpace(line) == ""
}

// isTrace reports whether a line is part of the trace of the verifier or the BTF parser: "5: (61)
// r0 = ...", "; return *v;", "from 3 to 5: ...", "func#0 @0", "[3] INT int". An empty line is.
func isTrace(line string) bool {
	number, _, ok := strings.Cut(strings.TrimSpace(line), ":")
	if _, err := strconv.ParseUint(number, 10, 32); ok && err == nil || line == "" || isRelocation(line) {
		return true
	}
	for _, prefix := range []string{
		";", "from ", "func#", "mark_precise", "Validating ", "Func#", "caller", "arg#", "last_idx", "regs=", "parent ",
		"[", "\t", "str_", "type_", "hdr_len", "magic", "version", "flags", "btf_total_size", "propagating ",
		"(the beginning of the log ",
	} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	// R1_w=ctx() R10=fp0, but not "R1 type=ctx expected=fp"
	reg, _, ok := strings.Cut(line, "=")
	return ok && len(reg) < 8 && strings.HasPrefix(reg, "R") && !strings.Contains(reg, " ")
}

// isRelocation reports whether a line is about a CO-RE relocation that the kernel resolved, or for
// which it left an invalid instruction. It returns false for errors of bpf_core_apply.
func isRelocation(line string) bool {
	if strings.HasPrefix(line, "CO-RE relocating ") {
		return true
	}
	_, said, ok := strings.Cut(line, ": relo #")
	if !ok || !strings.HasPrefix(line, "prog '") {
		return false
	}
	_, said, _ = strings.Cut(said, ": ")
	for _, prefix := range []string{"<", "matching candidate ", "non-matching candidate ", "no matching targets ", "patched insn ", "substituting insn "} {
		if strings.HasPrefix(said, prefix) {
			return true
		}
	}
	return false
}
