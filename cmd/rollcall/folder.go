package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A folder that is put together gets its name once everything is in it: before that it has the name with what is done with it behind.

// mustBeFree refuses a folder that holds something.
func mustBeFree(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s holds something already: name a folder that is not there, or an empty one", folder)
	}
	return nil
}

// rename gives a folder that is complete its name, durably: fsync of each file and of the folder, the rename, and fsync of the folder above.
func rename(complete, folder string) error {
	entries, err := os.ReadDir(complete)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := syncPath(filepath.Join(complete, e.Name())); err != nil {
			return err
		}
	}
	if err := syncPath(complete); err != nil {
		return err
	}
	if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(complete, folder); err != nil {
		return err
	}
	return syncPath(filepath.Dir(folder))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
