package local

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/rollcall-sync/rollcall/eventstore"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers every field of a record, its position included, so that neither a flipped bit nor a row in another
// row's place passes. FORMAT.md holds its definition; it never changes within a format version.
func checksum(position uint64, r *eventstore.Record) uint32 {
	var head [32]byte
	binary.BigEndian.PutUint64(head[0:], position)
	binary.BigEndian.PutUint64(head[8:], uint64(r.Version))
	copy(head[16:], r.ID[:])
	sum := crc32.Update(0, castagnoli, head[:])
	sum = addField(sum, []byte(r.Stream))
	sum = addField(sum, []byte(r.Type))
	sum = addField(sum, r.Data)
	return addField(sum, r.Meta)
}

// addField adds a field behind its length, so that bytes cannot move from one field to the next unseen.
func addField(sum uint32, field []byte) uint32 {
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(field)))
	return crc32.Update(crc32.Update(sum, castagnoli, length[:]), castagnoli, field)
}
