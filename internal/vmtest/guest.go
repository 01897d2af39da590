package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	_ "embed"
)

//go:embed init.sh
var initScript []byte

// builder turns entries of the matrix into guests. It builds once what several guests share.
type builder struct {
	root, work string
	cache      *cache
	packages   []*testPackage
	pattern    string // as given to -run
	deadline   time.Duration

	mu    sync.Mutex
	built map[string]func() error
}

// once calls build the first time that it is called with a name, and returns the same error for
// that name from then on.
func (b *builder) once(name string, build func() error) error {
	b.mu.Lock()
	if b.built == nil {
		b.built = map[string]func() error{}
	}
	do, ok := b.built[name]
	if !ok {
		do = sync.OnceValue(build)
		b.built[name] = do
	}
	b.mu.Unlock()
	return do()
}

// test boots a kernel and runs its tests.
func (b *builder) test(ctx context.Context, k *kernel) *report {
	r := &report{Kernel: k}
	run, err := b.plan(k)
	if err != nil {
		r.Err = err
		return r
	}
	if len(run) == 0 {
		if b.pattern == "" {
			r.Err = errors.New("no test is marked for this kernel")
		}
		return r
	}

	begun := time.Now()
	initrd, img, err := b.build(ctx, k, run)
	if err != nil {
		r.Err = err
		return r
	}
	r.Release, r.Note = img.Release, img.Note
	qemu, err := findQEMU(ctx, b.cache, k.Arch)
	if err != nil {
		r.Err = err
		return r
	}
	r.Prepared = time.Since(begun)

	begun = time.Now()
	m := &machine{emulator: qemu, kernel: k, vmlinuz: img.Vmlinuz, initrd: initrd, deadline: b.deadline}
	r.Console, err = m.boot(ctx)
	r.Ran, r.CPU = time.Since(begun), m.cpu
	if m.attempts > 1 {
		r.Note += fmt.Sprintf(" (attempt %d at booting)", m.attempts)
	}
	if err != nil {
		r.Err = err // beside the results up to here
	}
	if err := os.WriteFile(filepath.Join(b.work, k.Key, "console"), r.Console, 0o644); err != nil {
		r.Err = errors.Join(r.Err, err)
	}
	r.Err = errors.Join(r.Err, r.read(ctx, run))
	return r
}

// testRun is a run of one test binary in a guest.
type testRun struct {
	*testPackage
	pattern string // for -test.run
}

// plan chooses what to run in a kernel.
func (b *builder) plan(k *kernel) ([]testRun, error) {
	var run []testRun
	for _, p := range b.packages {
		pattern, err := p.runPattern(k, b.pattern)
		if err != nil {
			return nil, err
		}
		if pattern != "" {
			run = append(run, testRun{p, pattern})
		}
	}
	return run, nil
}

// build makes the guest's initramfs.
func (b *builder) build(ctx context.Context, k *kernel, run []testRun) (initrd string, img *image, err error) {
	dir := filepath.Join(b.work, k.Key)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	img, err = fetchKernel(ctx, b.cache, k)
	if err != nil {
		return "", nil, err
	}
	initrd = filepath.Join(dir, "initramfs.cpio")
	fs, err := createInitramfs(initrd)
	if err != nil {
		return "", nil, err
	}
	steps := []func() error{
		func() error { return b.addUserland(ctx, fs, k) },
		func() error { return b.addModules(ctx, fs, k, img) },
		func() error { return fs.copy("boot/config-"+img.Release, img.Config) },
		func() error { return b.addTests(ctx, fs, k, run) },
		func() error { return b.addSources(fs, run) },
		func() error { return b.addPrograms(ctx, fs, k, run) },
		func() error { return b.addEnvironment(ctx, fs, k) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return "", nil, errors.Join(err, fs.Close())
		}
	}
	return initrd, img, fs.Close()
}

// addUserland adds init and programs for the guest's architecture.
func (b *builder) addUserland(ctx context.Context, fs *initramfs, k *kernel) error {
	root, paths, err := fetchUserland(ctx, b.cache, k.Arch)
	if err != nil {
		return err
	}
	for _, p := range paths {
		if err := fs.copy(p, filepath.Join(root, p)); err != nil {
			return err
		}
	}
	if err := fs.symlink("bin/sh", "busybox"); err != nil {
		return err
	}
	return fs.write("init", 0o755, initScript)
}

// addModules adds /modules: the modules; order, with a line for each module that names what to
// insert, in order; and load, which lists the modules that init inserts.
func (b *builder) addModules(ctx context.Context, fs *initramfs, k *kernel, img *image) error {
	contents := map[string][]byte{}
	dependsOf := func(name string) ([]string, error) {
		if contents[name] == nil {
			module, err := img.Modules.load(name)
			if err != nil {
				return nil, err
			}
			contents[name] = module
		}
		return img.Modules.depends(contents[name])
	}
	var order, load []string
	for _, wanted := range wantedModules {
		if _, ok := img.Modules[wanted.Name]; !ok {
			if wanted.Required && !k.Refuses {
				return fmt.Errorf("%s has no module %s", img.Release, wanted.Name)
			}
			continue
		}
		names, err := loadOrder(wanted.Name, dependsOf)
		if err != nil {
			return err
		}
		order = append(order, strings.Join(names, " "))
		if wanted.Load {
			for _, name := range names {
				if !slices.Contains(load, name) {
					load = append(load, name)
				}
			}
		}
	}
	if k.OwnModules && exists(filepath.Join(b.root, ownModules[0])) {
		own, err := buildOwnModules(ctx, b.cache, b.root, k, img)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(own)) {
			if contents[name], err = os.ReadFile(own[name]); err != nil {
				return err
			}
			order = append(order, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		if err := fs.write("modules/"+name+".ko", 0o644, contents[name]); err != nil {
			return err
		}
	}
	if err := fs.write("modules/order", 0o644, lines(order)); err != nil {
		return err
	}
	return fs.write("modules/load", 0o644, lines(load))
}

// addTests adds /tests: numbered test binaries, and list, which describes each.
func (b *builder) addTests(ctx context.Context, fs *initramfs, k *kernel, run []testRun) error {
	var list []string
	for i, p := range run {
		name := strings.ReplaceAll(p.Path, "/", "_") + "." + k.Arch.GOARCH + ".test"
		binary := filepath.Join(b.work, name)
		err := b.once(name, func() error {
			overlay, err := b.overlay(ctx, p.testPackage)
			if err != nil {
				return err
			}
			return p.compile(ctx, b.root, k.Arch, binary, overlay...)
		})
		if err != nil {
			return err
		}
		if err := fs.copy(fmt.Sprintf("tests/%d.test", i), binary); err != nil {
			return err
		}
		list = append(list, p.Path+" "+p.pattern)
	}
	return fs.write("tests/list", 0o644, lines(list))
}

// overlay returns the flags to compile the package's tests with: those of its command overlay, if
// its directory has one.
func (b *builder) overlay(ctx context.Context, p *testPackage) ([]string, error) {
	command := filepath.Join(b.root, p.Path, "overlay")
	if !exists(command) {
		return nil, nil
	}
	out := filepath.Join(b.work, "overlay", p.Path)
	err := b.once("overlay "+p.Path, func() error {
		cmd := exec.CommandContext(ctx, "go", "run", ".", "-o", out)
		cmd.Dir = command
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", command, err, said)
		}
		return nil
	})
	return []string{"-overlay=" + filepath.Join(out, "overlay.json")}, err
}

// addSources adds /src: the files of the module that tests read at their paths in the checkout.
func (b *builder) addSources(fs *initramfs, run []testRun) error {
	if err := fs.copy("src/go.mod", filepath.Join(b.root, "go.mod")); err != nil {
		return err
	}
	directories := []string{"testdata"}
	for _, p := range run {
		if err := fs.mkdir("src/" + p.Path); err != nil {
			return err
		}
		directories = append(directories, path.Join(p.Path, "testdata"))
	}
	for _, directory := range directories {
		if err := fs.copyTree("src/"+directory, filepath.Join(b.root, directory)); err != nil {
			return err
		}
	}
	return nil
}

// addPrograms adds the module's commands and the tested examples.
func (b *builder) addPrograms(ctx context.Context, fs *initramfs, k *kernel, run []testRun) error {
	found, err := programs(b.root, run)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		binary := filepath.Join(b.work, name+"."+k.Arch.GOARCH)
		err := b.once(filepath.Base(binary), func() error {
			return goBuild(ctx, b.root, k.Arch, "build", "-o", binary, "./"+found[name])
		})
		if err != nil {
			return err
		}
		if err := fs.copy("usr/local/bin/"+name, binary); err != nil {
			return err
		}
	}
	return nil
}

// addEnvironment adds the tests' environment variables, and the objects that one of them names.
func (b *builder) addEnvironment(ctx context.Context, fs *initramfs, k *kernel) error {
	const compiler = "internal/testobj/compile"
	variables := []string{
		"export BPF2LSKEL_VM=" + k.Key,
		// The guest does not know how busy the machine is, so its deadline is kept outside. This
		// one is a fallback.
		fmt.Sprintf("VMTEST_TIMEOUT=%v", maxStretch*b.deadline),
	}
	if exists(filepath.Join(b.root, compiler)) {
		dir := filepath.Join(b.work, "objects-"+k.Arch.BPF)
		err := b.once(filepath.Base(dir), func() error {
			cmd := exec.CommandContext(ctx, "go", "run", "./"+compiler, "-o", dir, "-target", k.Arch.BPF)
			cmd.Dir = b.root
			_, err := output(cmd)
			return err
		})
		if err != nil {
			return err
		}
		if err := fs.copyTree("objects", dir); err != nil {
			return err
		}
		variables = append(variables, "export BPF2LSKEL_OBJECTS=/objects")
	}
	return fs.write("tests/environment", 0o644, lines(variables))
}

func lines(list []string) []byte {
	var text []byte
	for _, line := range list {
		text = append(text, line+"\n"...)
	}
	return text
}
