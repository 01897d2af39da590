//vmtest:5.10,6.1,6.12,6.18,7.2,7.x

package kindtest

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
)

// interpretedEnv makes all loads of the process run without a loader program.
const interpretedEnv = "BPF2LSKEL_INTERPRETED"

func init() {
	if os.Getenv(interpretedEnv) != "" {
		load.Old.Fallback = oldkernel.Always
	}
}

// The tests of all kinds also pass without loader programs, except for one that not all of these
// kernels run. On Linux 5.10 there is no other way.
func TestAllInterpreted(t *testing.T) {
	if os.Getenv(interpretedEnv) != "" {
		t.Skip("not on this kernel: this is the child process")
	}
	skip := "TestAllInterpreted|TestGeneratedIsUpToDate|TestAttachOnOldKernels|TestModuleStructOps"
	if guest.In() { // it is slow there, and the same as on the host
		skip += "|TestFilesLimit"
	}
	args := []string{"-test.v", "-test.skip=^(" + skip + ")$"}
	if run := flag.Lookup("test.run").Value.String(); guest.In() && strings.Contains(run, "|") {
		args = append(args, "-test.run="+run) // the tests that are for this kernel
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), interpretedEnv+"=1")
	out, err := cmd.CombinedOutput()
	passed := strings.Count("\n"+string(out), "\n--- PASS: ")
	skipped := strings.Count("\n"+string(out), "\n--- SKIP: ")
	if err != nil || passed == 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d tests passed, %d were skipped", passed, skipped)
}
