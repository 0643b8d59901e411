package projections

import (
	"github.com/ncruces/go-sqlite3"

	"github.com/rollcall-sync/rollcall/domain"
)

// addFold gives SQL the function fold(text): the form in which texts are compared without regard to case. SQLite's own lower() knows ASCII only.
func addFold(c *sqlite3.Conn) error {
	return c.CreateFunction("fold", 1, sqlite3.DETERMINISTIC|sqlite3.INNOCUOUS, func(ctx sqlite3.Context, arg ...sqlite3.Value) {
		if arg[0].Type() == sqlite3.TEXT {
			ctx.ResultText(domain.FoldKey(arg[0].Text()))
		} else {
			ctx.ResultValue(arg[0])
		}
	})
}
