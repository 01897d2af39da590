package robust

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/codegen"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

var (
	mutants = flag.Int("mutants", 2000, "how many `mutants` go through the generator")
	first   = flag.Uint64("first", 0, "the first mutant's `seed`")
)

// Limits for one file.
const (
	deadline  = 10 * time.Second
	mostBytes = 1 << 30
)

// No file makes the generator panic, hang, or take all memory.
func TestMutantsThroughTheGenerator(t *testing.T) {
	files := readAll(t)
	var work sync.WaitGroup
	seeds := make(chan uint64)
	var mu sync.Mutex
	packages, refused := 0, 0
	for range 2 {
		work.Go(func() {
			for seed := range seeds {
				r := rand.New(rand.NewPCG(seed, 0))
				err := generateWithin(t, seed, mutate(r, files[int(seed%uint64(len(files)))]))
				mu.Lock()
				if err != nil {
					refused++
				} else {
					packages++
				}
				mu.Unlock()
			}
		})
	}
	for seed := range uint64(*mutants) {
		if t.Failed() {
			break
		}
		seeds <- *first + seed
	}
	close(seeds)
	work.Wait()
	t.Logf("%d mutants of %d objects: %d packages, %d refused; at most %d MiB of heap", *mutants, len(files), packages, refused, heapBytes()>>20)
	if n := heapBytes(); n > mostBytes {
		t.Errorf("%d bytes of heap", n)
	}
}

// readAll compiles the corpus, without the few objects whose sheer size would take the time of a thousand others.
func readAll(t *testing.T) [][]byte {
	var files [][]byte
	for _, name := range testobj.All(t) {
		if strings.HasPrefix(name, "big_") {
			continue
		}
		file, err := os.ReadFile(testobj.Compile(t, name, testobj.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return append(files, testobj.Read(t, "arena/globals", testobj.Options{CC: "clang-19"}))
}

// generateWithin fails the test, with the file kept, if there is neither a package nor an error soon.
func generateWithin(t *testing.T, seed uint64, file []byte) (err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("panic: %v\n%s\nfile: %s", p, debug.Stack(), keep(t, seed, file))
			}
		}()
		err = generate(file)
	}()
	select {
	case <-done:
	case <-time.After(deadline):
		t.Errorf("seed %d hangs: %s", seed, keep(t, seed, file))
		return nil // err is still the hanging goroutine's
	}
	return err
}

// generate is the way of an object file to a Go package.
func generate(file []byte) error {
	obj, err := object.Parse("mutant", file)
	if err != nil {
		return err
	}
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		return err
	}
	_, err = codegen.Generate(obj, spec, codegen.Options{
		Package: "mutant", Stem: "mutant", Suffix: "bpfel", GOARCH: []string{"amd64"}, Source: "mutant.bpf.o",
	})
	return err
}

// keep writes a file that something is wrong with to where it survives the test.
func keep(t *testing.T, seed uint64, file []byte) string {
	dir := filepath.Join(os.TempDir(), "bpf2lskel-mutants")
	path := filepath.Join(dir, fmt.Sprintf("seed-%d.o", seed))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Error(err)
	}
	return path
}

// heapBytes is all memory that Go has taken for objects, in use or not.
func heapBytes() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
	metrics.Read(samples)
	sum := uint64(0)
	for _, s := range samples {
		sum += s.Value.Uint64()
	}
	return sum
}

// The same, with Go's fuzzer choosing: it knows what a change has reached.
func FuzzGenerator(f *testing.F) {
	for _, name := range []string{"minimal", "globals", "map_in_map", "prog_array", "core_fields", "subprogs"} {
		file, err := os.ReadFile(testobj.Compile(f, name, testobj.Options{}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(_ *testing.T, file []byte) { _ = generate(file) })
}
