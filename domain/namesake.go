package domain

// Namesake is a user of an organization who has an e-mail address.
type Namesake struct {
	ID        string
	Directory string
	Owner     bool // the address is the userName or the primary e-mail address, and not one that the user lists besides
	Active    bool // not suspended
	Synced    bool // held by directory sync
}

// NamesakeOf is a user with these attributes as one who has the address.
func NamesakeOf(address, id, directory string, synced bool, a Attributes) Namesake {
	key, err := NameKey(address)
	name, wrong := NameKey(a.Text("userName"))
	owner := err == nil && wrong == nil && name == key || FoldKey(a.PrimaryEmail()) == FoldKey(address)
	return Namesake{id, directory, owner, a.Active(), synced}
}

// Meant is whom of those who have an address it means when somebody signs in with it; the zero Namesake if there are none. Who owns it goes before those who
// list it besides, for they could come in as each other. Of these one who is suspended goes first, so that nobody who is kept out comes in by another
// account; then one whom directory sync holds; then who stands first.
func Meant(all []Namesake) (meant Namesake) {
	for _, n := range all {
		if n.rank() > meant.rank() {
			meant = n
		}
	}
	return meant
}

func (n Namesake) rank() (rank int) {
	if n.ID == "" {
		return 0
	}
	for i, is := range []bool{true, n.Synced, !n.Active, n.Owner} {
		if is {
			rank |= 1 << i
		}
	}
	return rank
}

// Visitor is what is known of the namesake who would sign in: a stranger if it is the zero one.
func (n Namesake) Visitor() Visitor {
	return Visitor{Known: n.ID != "", Active: n.Active, Synced: n.Synced}
}
