package local

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// sector is what a disk writes whole.
const sector = 512

// A disk stands between SQLite and the operating system and knows what would survive a power cut: what was synced, and
// of the rest any part, down to single sectors. It can cut the power at an operation, fail an fsync (after which the
// system forgets what it could not write, but goes on showing it), refuse to open files, and hold a sync up. Locks and
// shared memory are the system's own.
type disk struct {
	name string
	os   vfs.VFS

	mu        sync.Mutex
	random    *rand.Rand
	shown     map[string]*inode // the files by the names that programs see
	named     map[string]*inode // the names that survive
	off       bool
	cutAfter  int            // operations until the power goes; 0 is never
	cutIn     string         // counts those on one file alone
	failSyncs int            // the syncs until one fails; 0 is never
	failRow   int            // how many syncs fail after that one
	failOpens int            // how many files cannot be opened from now on
	syncs     map[string]int // by file
	cuts      map[string]int // by the file of the last operation

	gate atomic.Pointer[func()] // called at the beginning of each sync of the WAL
}

// An inode is a file: what is on the platter, and what was written since.
type inode struct {
	durable []byte
	pending []change
}

// A change is a write or, without data, a truncation.
type change struct {
	offset int64
	data   []byte
	cut    bool
}

var errPower = errors.New("the power is off")

var disks atomic.Int64

func newDisk(t testing.TB, seed uint64) *disk {
	d := &disk{
		name:   fmt.Sprintf("disk-%d", disks.Add(1)),
		os:     vfs.Find(""),
		random: rand.New(rand.NewPCG(seed, 1)),
		syncs:  map[string]int{},
		cuts:   map[string]int{},
	}
	d.reset()
	vfs.Register(d.name, d)
	t.Cleanup(func() { vfs.Unregister(d.name) })
	return d
}

// settings are those of every user, on this disk.
func (d *disk) settings() settings {
	with := durable
	with.vfs, with.open = d.name, d.openFile
	return with
}

// openFile is openFile on this disk.
func (d *disk) openFile(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shown[path] == nil {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		d.shown[path] = &inode{durable: content}
		d.named[path] = d.shown[path] // it was there before this disk began to watch
	}
	return &openedFile{File: f, disk: d, inode: d.shown[path]}, nil
}

// An openedFile is an open handle of a program other than SQLite.
type openedFile struct {
	*os.File
	disk  *disk
	inode *inode
}

func (f *openedFile) WriteAt(p []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step(f.Name()); err != nil {
		return 0, err
	}
	f.inode.pending = append(f.inode.pending, change{offset: offset, data: slices.Clone(p)})
	return f.File.WriteAt(p, offset)
}

func (f *openedFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.sync(f.Name(), f.inode)
}

func (d *disk) reset() {
	d.shown, d.named = map[string]*inode{}, map[string]*inode{}
	d.off, d.cutAfter, d.cutIn, d.failSyncs, d.failRow, d.failOpens = false, 0, "", 0, 0, 0
}

// set changes the disk's plans.
func (d *disk) set(plan func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	plan()
}

func (d *disk) totalSyncs() (wal, file int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs[fileName+"-wal"], d.syncs[fileName]
}

// step counts an operation on a file; the power may go right after it.
func (d *disk) step(path string) error {
	if d.off {
		return errPower
	}
	if d.cutAfter > 0 && (d.cutIn == "" || d.cutIn == filepath.Base(path)) {
		if d.cutAfter--; d.cutAfter == 0 {
			d.off = true
			d.cuts[filepath.Base(path)]++
		}
	}
	return nil
}

// restore puts into the folder what survived, as after a power cut now, and switches the power on.
func (d *disk) restore(t testing.TB, dir string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	names := slices.Sorted(maps.Keys(d.shown))
	for name := range d.named {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	os.Remove(filepath.Join(dir, fileName+"-shm"))
	for _, name := range names {
		file := d.named[name]
		if other := d.shown[name]; other != file && d.random.IntN(2) == 0 {
			file = other
		}
		if file == nil {
			os.Remove(name)
			continue
		}
		if err := os.WriteFile(name, d.survivor(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.reset()
}

// survivor is what is left of a file: some of the pending changes whole, some in sectors, some not.
func (d *disk) survivor(file *inode) []byte {
	content := slices.Clone(file.durable)
	for _, c := range file.pending {
		switch d.random.IntN(3) {
		case 0:
			content = c.apply(content)
		case 1:
			for i := 0; i < len(c.data); {
				n := min(sector-int(c.offset+int64(i))%sector, len(c.data)-i)
				if d.random.IntN(2) == 0 {
					content = change{offset: c.offset + int64(i), data: c.data[i : i+n]}.apply(content)
				}
				i += n
			}
		}
	}
	return content
}

func (c change) apply(content []byte) []byte {
	if c.cut {
		return append(content[:min(c.offset, int64(len(content)))], make([]byte, max(0, c.offset-int64(len(content))))...)
	}
	if end := c.offset + int64(len(c.data)); end > int64(len(content)) {
		content = append(content, make([]byte, end-int64(len(content)))...)
	}
	copy(content[c.offset:], c.data)
	return content
}

func (d *disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return vfsutil.WrapOpen(d.os, name, flags)
}

func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if flags&(vfs.OPEN_MAIN_DB|vfs.OPEN_MAIN_JOURNAL|vfs.OPEN_WAL) == 0 {
		return vfsutil.WrapOpenFilename(d.os, name, flags)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failOpens > 0 {
		d.failOpens--
		return nil, flags, sqlite3.CANTOPEN
	}
	if err := d.step(name.String()); err != nil {
		return nil, flags, err
	}
	path := name.String()
	if d.shown[path] == nil {
		content, err := os.ReadFile(path)
		d.shown[path] = &inode{durable: content}
		if err == nil {
			d.named[path] = d.shown[path] // it was there before this disk began to watch
		}
	}
	file, flags, err := vfsutil.WrapOpenFilename(d.os, name, flags)
	if err != nil {
		return nil, flags, err
	}
	journal := flags&vfs.OPEN_CREATE != 0 && flags&vfs.OPEN_MAIN_DB == 0
	return &diskFile{File: file, disk: d, path: path, inode: d.shown[path], syncFolder: journal}, flags, nil
}

func (d *disk) Delete(path string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(path); err != nil {
		return err
	}
	delete(d.shown, path)
	if syncDir {
		delete(d.named, path)
	}
	return d.os.Delete(path, false)
}

func (d *disk) Access(path string, flags vfs.AccessFlag) (bool, error) {
	return d.os.Access(path, flags)
}

func (d *disk) FullPathname(path string) (string, error) { return d.os.FullPathname(path) }

// A diskFile is one open handle.
type diskFile struct {
	vfs.File
	disk  *disk
	path  string
	inode *inode

	syncFolder bool // the driver's first sync of a journal that it opened to create it is one of the folder too
}

func (f *diskFile) ReadAt(p []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.off {
		return 0, errPower
	}
	return f.File.ReadAt(p, offset)
}

func (f *diskFile) WriteAt(p []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step(f.path); err != nil {
		return 0, err
	}
	f.inode.pending = append(f.inode.pending, change{offset: offset, data: slices.Clone(p)})
	return f.File.WriteAt(p, offset)
}

func (f *diskFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step(f.path); err != nil {
		return err
	}
	f.inode.pending = append(f.inode.pending, change{offset: size, cut: true})
	return f.File.Truncate(size)
}

// Sync never asks the system: what counts is what this disk knows.
func (f *diskFile) Sync(vfs.SyncFlag) error {
	d := f.disk
	if gate := d.gate.Load(); gate != nil && filepath.Base(f.path) == fileName+"-wal" {
		(*gate)()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.sync(f.path, f.inode); err != nil {
		return err
	}
	if f.syncFolder {
		d.named, f.syncFolder = maps.Clone(d.shown), false
	}
	return nil
}

// sync makes durable what is pending of a file, and its name.
func (d *disk) sync(path string, file *inode) error {
	if err := d.step(path); err != nil {
		return err
	}
	if d.off {
		return errPower // it went before the data were out
	}
	d.syncs[filepath.Base(path)]++
	if d.failSyncs > 0 {
		if d.failSyncs--; d.failSyncs == 0 {
			if d.failRow > 0 {
				d.failRow, d.failSyncs = d.failRow-1, 1
			}
			file.durable, file.pending = d.survivor(file), nil
			return errors.New("the fsync fails")
		}
	}
	for _, c := range file.pending {
		file.durable = c.apply(file.durable)
	}
	file.pending = nil
	d.named[path] = file
	return nil
}

func (f *diskFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *diskFile) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *diskFile) PersistWAL() bool               { return vfsutil.WrapPersistWAL(f.File) }
func (f *diskFile) SetPersistWAL(keep bool)        { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f *diskFile) PowersafeOverwrite() bool       { return vfsutil.WrapPowersafeOverwrite(f.File) }
func (f *diskFile) SetPowersafeOverwrite(on bool)  { vfsutil.WrapSetPowersafeOverwrite(f.File, on) }
