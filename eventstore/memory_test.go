package eventstore_test

import (
	"testing"

	"github.com/rollcall-sync/rollcall/eventstore"
	"github.com/rollcall-sync/rollcall/eventstore/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, storetest.Config{
		Open: func(*testing.T) eventstore.Store { return eventstore.NewMemory() },
	})
}
