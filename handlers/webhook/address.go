package webhook

import (
	"net/netip"
	"slices"
)

// closed are the addresses that are not on the public internet, after IANA's special-purpose registries, and some of
// clouds that are. IPv6 is public in 2000::/3 only, so only what lies in there is listed.
var closed = prefixes(
	"0.0.0.0/8",        // this host, on this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // between a carrier and its customers; also clouds' metadata (100.100.100.200)
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's platform, from inside a virtual machine
	"169.254.0.0/16",   // link-local; clouds' metadata (169.254.169.254)
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarking
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, and broadcast
	"2001::/23",        // protocol assignments: Teredo, benchmarking, ORCHID
	"2001:db8::/32",    // documentation
	"2002::/16",        // 6to4: an IPv4 address of any kind inside
	"3fff::/20",        // documentation
)

var (
	publicIPv6 = netip.MustParsePrefix("2000::/3")
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // the last four bytes are the IPv4 address that is reached
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// plain is the address that is really reached: IPv4 written as IPv6 is IPv4, and a zone does not matter.
func plain(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// public tells whether an address is on the public internet.
func public(a netip.Addr) bool {
	a = plain(a)
	if !a.IsValid() || a.Is6() && !publicIPv6.Contains(a) {
		return false
	}
	return !within(closed, a)
}

func within(ranges []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(a) })
}

// canonical is a prefix of IPv4 written as IPv6 as one of IPv4, so that it contains what plain answers.
func canonical(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}
