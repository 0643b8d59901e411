//go:build unix

package local

import (
	"io/fs"
	"os"
	"syscall"
)

// giveTo gives a file to the owner of another one, if this process may: root may.
func giveTo(f *os.File, other fs.FileInfo) {
	if owner, ok := other.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(owner.Uid), int(owner.Gid))
	}
}
