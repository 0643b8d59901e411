package local

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/rollcall-sync/rollcall/eventstore"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers every field of a record, its position included, so that neither a flipped bit nor a row in another
// row's place passes. The lengths come first, so that bytes cannot move from one field to the next unseen. FORMAT.md
// holds the definition; it never changes within a format version.
func checksum(position uint64, r *eventstore.Record) uint32 {
	head := make([]byte, 0, 48+len(r.Stream)+len(r.Type))
	head = binary.BigEndian.AppendUint64(head, position)
	head = binary.BigEndian.AppendUint64(head, uint64(r.Version))
	head = append(head, r.ID[:]...)
	head = binary.BigEndian.AppendUint32(head, uint32(len(r.Stream)))
	head = binary.BigEndian.AppendUint32(head, uint32(len(r.Type)))
	head = binary.BigEndian.AppendUint32(head, uint32(len(r.Data)))
	head = binary.BigEndian.AppendUint32(head, uint32(len(r.Meta)))
	head = append(head, r.Stream...)
	head = append(head, r.Type...)
	sum := crc32.Update(0, castagnoli, head)
	sum = crc32.Update(sum, castagnoli, r.Data)
	return crc32.Update(sum, castagnoli, r.Meta)
}
