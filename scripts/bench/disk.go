package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/local"
)

// disk is what the disk gives by itself, and what the log makes of it. Records have a kilobyte.
type disk struct {
	alone, grouped    float64 // appends a second to a bare file, with a sync for each, or for each 30
	scan              float64 // records a second, read from a bare file and checked
	writer, writers64 float64 // appends a second to the log, by one and by 64
	all               float64 // records a second, read from the log
	stream            time.Duration
	open              time.Duration
	records           int // in the log that is read and opened
}

const (
	recordSize = 1000
	perStream  = 20
	group      = 30
)

// measureDisk measures both, one after the other.
func measureDisk(ctx context.Context, folder string, s scale) (d disk, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return d, fmt.Errorf("make a folder for the log: %w", err)
	}
	for _, y := range []struct {
		into  *float64
		group int
	}{{&d.alone, 1}, {&d.grouped, group}} {
		if *y.into, err = rawAppends(filepath.Join(folder, "raw"), s.appends, y.group); err != nil {
			return d, err
		}
	}
	for _, y := range []struct {
		into    *float64
		writers int
	}{{&d.writer, 1}, {&d.writers64, 64}} {
		if *y.into, err = logAppends(ctx, filepath.Join(folder, fmt.Sprint("appends-", y.writers)), s.appends, y.writers); err != nil {
			return d, err
		}
	}
	if d.scan, err = rawScan(filepath.Join(folder, "flat"), s.records); err != nil {
		return d, err
	}
	d.records = s.records
	return d, d.readLog(ctx, filepath.Join(folder, "log"))
}

// perSecond does something so many times and answers how often a second that was.
func perSecond(times int, do func() error) (float64, error) {
	began := time.Now()
	err := do()
	return float64(times) / time.Since(began).Seconds(), err
}

// rawAppends appends to a file and syncs it after each group.
func rawAppends(path string, appends, group int) (rate float64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("append to a bare file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	record := bytes.Repeat([]byte("x"), recordSize)
	return perSecond(appends, func() error {
		for i := range appends {
			if _, err := f.Write(record); err != nil {
				return fmt.Errorf("append to a bare file: %w", err)
			}
			if (i+1)%group == 0 || i == appends-1 {
				if err := datasync(f); err != nil {
					return fmt.Errorf("sync a bare file: %w", err)
				}
			}
		}
		return nil
	})
}

// rawScan reads records with a checksum each from a file that the system has in memory.
func rawScan(path string, records int) (rate float64, err error) {
	record := bytes.Repeat([]byte("x"), recordSize)
	framed := binary.LittleEndian.AppendUint32(slices.Clone(record), crc32.ChecksumIEEE(record))
	if err := os.WriteFile(path, bytes.Repeat(framed, records), 0o600); err != nil {
		return 0, fmt.Errorf("write a flat file: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("scan a flat file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	in := bufio.NewReaderSize(f, 1<<20)
	return perSecond(records, func() error {
		for range records {
			if _, err := io.ReadFull(in, framed); err != nil {
				return fmt.Errorf("scan a flat file: %w", err)
			}
			if crc32.ChecksumIEEE(framed[:recordSize]) != binary.LittleEndian.Uint32(framed[recordSize:]) {
				return errors.New("scan a flat file: a checksum is wrong")
			}
		}
		return nil
	})
}

// entry is a record of the log; its number makes its id.
func entry(n int64) eventstore.Entry {
	var id eventstore.ID
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return eventstore.Entry{ID: id, Type: "bench.appended", Data: bytes.Repeat([]byte("x"), recordSize*9/10), Meta: bytes.Repeat([]byte("m"), recordSize/10)}
}

// logAppends has writers append to streams of 20 records of their own.
func logAppends(ctx context.Context, folder string, appends, writers int) (rate float64, err error) {
	log, err := local.Open(folder)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close(), os.RemoveAll(folder)) }()
	return perSecond(appends, func() error {
		var next atomic.Int64
		errs := make([]error, writers)
		var running sync.WaitGroup
		for i := range writers {
			running.Go(func() {
				for n := 0; errs[i] == nil; n++ {
					at := next.Add(1)
					if at > int64(appends) {
						return
					}
					w := eventstore.Write{Stream: fmt.Sprintf("s-%d-%d", i, n/perStream), Expected: eventstore.Version(n % perStream), Entries: []eventstore.Entry{entry(at)}}
					_, errs[i] = log.Append(ctx, w)
				}
			})
		}
		running.Wait()
		return errors.Join(errs...)
	})
}

// readLog reads a log of many records as a whole and by its streams, and opens it.
func (d *disk) readLog(ctx context.Context, folder string) (err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	log, err := local.Open(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var batch []eventstore.Write
	for n := 0; n < d.records; n += perStream {
		w := eventstore.Write{Stream: fmt.Sprint("s-", n/perStream)}
		for i := range perStream {
			w.Entries = append(w.Entries, entry(int64(n+i+1)))
		}
		if batch = append(batch, w); len(batch) == 50 || n+perStream >= d.records {
			if _, err := log.Append(ctx, batch...); err != nil {
				return err
			}
			batch = nil
		}
	}
	if d.all, err = perSecond(d.records, func() error { return drain(log.All(ctx, eventstore.Position{})) }); err != nil {
		return err
	}
	const reads = 1000
	took := make([]time.Duration, reads)
	for i := range took {
		began := time.Now()
		if err := drain(log.Read(ctx, fmt.Sprint("s-", i*7919%(d.records/perStream)), 0)); err != nil {
			return err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	d.stream = took[reads/2]
	if err := log.Close(); err != nil {
		return err
	}
	began := time.Now()
	if log, err = local.Open(folder); err != nil {
		return err
	}
	d.open = time.Since(began)
	return nil
}

func drain(records func(func(eventstore.Record, error) bool)) error {
	for _, err := range records {
		if err != nil {
			return err
		}
	}
	return nil
}
