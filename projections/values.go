package projections

import (
	"fmt"
	"reflect"

	"github.com/ncruces/go-sqlite3"
)

// row is one row of a query's answer, to be scanned: into pointers to texts, bytes, numbers and truth values, and to what is made of these. NULL is an
// error: queries say what it stands for.
type row interface{ Scan(into ...any) error }

// Scan implements row.
func (s *statement) Scan(into ...any) error {
	for i, to := range into {
		if err := s.column(i, to); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *statement) column(i int, into any) error {
	if s.ColumnType(i) == sqlite3.NULL {
		return fmt.Errorf("NULL for a %T", into)
	}
	switch to := into.(type) {
	case *string:
		*to = s.ColumnText(i)
	case *[]byte:
		*to = s.ColumnBlob(i, nil)
	case *JSON:
		*to = s.ColumnBlob(i, nil)
	case *int64:
		*to = s.ColumnInt64(i)
	case *int:
		*to = s.ColumnInt(i)
	case *bool:
		*to = s.ColumnBool(i)
	default:
		return s.columnOf(i, reflect.ValueOf(into).Elem())
	}
	return nil
}

// columnOf reads a column into a value of a type that is made of one of column's.
func (s *statement) columnOf(i int, to reflect.Value) error {
	switch {
	case to.Kind() == reflect.String:
		to.SetString(s.ColumnText(i))
	case to.CanInt():
		to.SetInt(s.ColumnInt64(i))
	case to.CanUint():
		to.SetUint(uint64(s.ColumnInt64(i)))
	default:
		return fmt.Errorf("nothing is read into a %s", to.Type())
	}
	return nil
}

// bindAll gives the parameters of a statement their values.
func (s *statement) bindAll(args []any) error {
	if len(args) != s.BindCount() {
		return fmt.Errorf("%d values for %d parameters", len(args), s.BindCount())
	}
	for i, a := range args {
		if err := s.bind(i+1, a); err != nil {
			return fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *statement) bind(i int, value any) error {
	switch v := value.(type) {
	case nil:
		return s.BindNull(i)
	case string:
		return s.BindText(i, v)
	case []byte:
		return s.BindBlob(i, v)
	case int64:
		return s.BindInt64(i, v)
	case int:
		return s.BindInt(i, v)
	case bool:
		return s.BindBool(i, v)
	}
	switch v := reflect.ValueOf(value); {
	case v.Kind() == reflect.String:
		return s.BindText(i, v.String())
	case v.CanInt():
		return s.BindInt64(i, v.Int())
	case v.CanFloat():
		return s.BindFloat(i, v.Float())
	}
	return fmt.Errorf("a %T is no value", value)
}
