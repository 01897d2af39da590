package robust

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"
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

// No file makes the generator panic, hang, or use more than a gigabyte of memory.
func TestGeneratorSurvivesMutants(t *testing.T) {
	files := readAll(t)
	var work sync.WaitGroup
	seeds := make(chan uint64)
	var mu sync.Mutex
	packages, refused := 0, 0
	for range 2 {
		work.Go(func() {
			for seed := range seeds {
				r := rand.New(rand.NewPCG(seed, 0))
				file := mutate(r, files[int(seed%uint64(len(files)))])
				fault, refusal := generateWithin(file)
				if fault != "" {
					t.Errorf("seed %d: %s\nfile: %s", seed, fault, keep(t, seed, file))
				}
				mu.Lock()
				if refusal != nil {
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
	t.Logf("%d mutants of %d objects: %d packages, %d refused; at most %d MiB of memory", packages+refused, len(files), packages, refused, mappedBytes()>>20)
}

// readAll compiles the corpus except for a few objects whose size would take the time of a thousand
// others.
func readAll(t *testing.T) [][]byte {
	var files [][]byte
	for _, name := range slices.Concat(testobj.All(t), testobj.StructOps(t), testobj.Externs(t)) {
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

// generateWithin generates from a file. It returns the generator's fault, if any, and the reason
// for refusing the file. Another file that is processed concurrently may be blamed for this one's
// memory, too, but not instead of it.
func generateWithin(file []byte) (fault string, refusal error) {
	type outcome struct {
		fault   string
		refusal error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o.fault = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
			}
			done <- o
		}()
		o.refusal = generate(file)
	}()
	// A ticker drops ticks while the process is stopped, so only time in which it could run counts.
	clock := time.NewTicker(time.Second)
	defer clock.Stop()
	for range deadline / time.Second {
		select {
		case o := <-done:
			if n := mappedBytes(); o.fault == "" && n > mostBytes {
				o.fault = fmt.Sprintf("%d MiB of memory", n>>20)
			}
			return o.fault, o.refusal
		case <-clock.C:
		}
	}
	return fmt.Sprintf("no end after %v", deadline), nil
}

// generate generates a Go package from an object file.
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

// keep saves a faulty file where it survives the test.
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

// mappedBytes returns the memory that Go has ever mapped for the heap, stacks and itself. It does
// not shrink, so a file's momentary use shows afterwards.
func mappedBytes() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64()
}

// FuzzGenerator lets Go's fuzzer choose the mutations, by coverage.
func FuzzGenerator(f *testing.F) {
	for _, name := range []string{"minimal", "globals", "map_in_map", "prog_array", "core_fields", "subprogs", "structops/congestion", "kconfig", "usdt"} {
		file, err := os.ReadFile(testobj.Compile(f, name, testobj.Options{}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if fault, _ := generateWithin(file); fault != "" {
			t.Error(fault)
		}
	})
}
