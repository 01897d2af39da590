package explain

import (
	"strconv"
	"strings"
)

// Decisive returns in one line what a log of the verifier, or of the kernel's reader of BTF, gives
// as the reason: what it said last apart from its own trace, the line of the source that this is
// about, and the kernel's suggestion where it makes one. It returns "" if the log gives no reason:
// the verifier had no objection, or was not asked.
func Decisive(log string) string {
	var lines []string // by strings.Cut: package strings would be 4 KB more in each user's binary
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
		said = report.reason // which only the report has
	}
	if said == "" {
		return ""
	}
	for ; last >= 0; last-- {
		source, ok := strings.CutPrefix(lines[last], "; ")
		if source = strings.TrimSpace(source); ok && source != "" && source[0] != '@' { // "@ x.c:0" is the compiler's own
			said += ", at: " + source
			break
		}
	}
	if report.suggestion != "" {
		said += "; suggestion: " + report.suggestion
	}
	return said
}

// previous returns the line before a line, "" if there is none but empty ones.
func previous(lines []string, i int) string {
	for i--; i >= 0; i-- {
		if strings.TrimSpace(lines[i]) != "" {
			return lines[i]
		}
	}
	return ""
}

// report is what is used of a report: Linux 7.3 explains many refusals at length.
type report struct{ reason, suggestion string }

// cutReport takes the report out of a log that has one. In a line before the report, and sometimes
// in one after it as well, there is what older kernels say. The report is a head line,
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

// isDetail reports whether a line follows what matters: statistics, and the two states of an
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

// isTrace reports whether the verifier, or the reader of BTF, shows its way in a line: "5: (61) r0
// = ...", "; return *v;", "from 3 to 5: ...", "func#0 @0", "[3] INT int". So does an empty line.
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

// isRelocation reports whether a line is about a CO-RE relocation that the kernel could resolve, or
// that leaves an invalid instruction for the verifier to find. What bpf_core_apply cannot make
// sense of is not among these.
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
