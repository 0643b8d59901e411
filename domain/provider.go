package domain

import "slices"

// Provider is the kind of identity provider that feeds a directory, or that users sign in at.
type Provider string

// The providers of a directory, and below them those of connections alone. AzureAD is Microsoft Entra ID by its older name, which stays on the wire.
const (
	Okta         Provider = "okta"
	AzureAD      Provider = "azure_ad"
	Google       Provider = "google"
	OneLogin     Provider = "onelogin"
	JumpCloud    Provider = "jumpcloud"
	PingOne      Provider = "ping_one"
	PingFederate Provider = "ping_federate"
	Rippling     Provider = "rippling"
	CustomSCIM   Provider = "custom_scim"

	ADFS           Provider = "adfs"
	Auth0          Provider = "auth0"
	OneLoginBySAML Provider = "one_login" // OneLogin, as connections have always spelled it
	CustomSAML     Provider = "custom_saml"

	// API stands where others have their identity provider: an organization's application makes the users of that directory, and nobody pushes to it.
	API Provider = "api"
)

// Pushes tells whether the provider feeds its directory itself. What is in such a directory is the provider's to change, and to be changed by nobody else.
func (p Provider) Pushes() bool { return p != API }

// Restores tells whether the provider creates a user anew to bring back one that it deactivated: Okta, when an application is
// assigned again. With any other provider a second user is meant.
func (p Provider) Restores() bool { return p == Okta }

// NamesGroups tells whether the provider finds its groups again by their displayName alone, so that two of one name would be one to it: Entra ID. A
// second group of a name is then refused, without regard to case.
func (p Provider) NamesGroups() bool { return p == AzureAD }

var directoryProviders = []Provider{Okta, AzureAD, Google, OneLogin, JumpCloud, PingOne, PingFederate, Rippling, CustomSCIM}

// ParseProvider reads a directory's provider, also by its other names; "" is custom_scim.
func ParseProvider(s string) (Provider, error) {
	switch s {
	case "", "generic":
		return CustomSCIM, nil
	case "entra":
		return AzureAD, nil
	case "one_login":
		return OneLogin, nil
	}
	if p := Provider(s); slices.Contains(directoryProviders, p) {
		return p, nil
	}
	return "", RefuseField("provider", "is none of okta azure_ad google onelogin jumpcloud ping_one ping_federate rippling custom_scim")
}

var connectionProviders = []Provider{AzureAD, ADFS, Google, Okta, PingFederate, PingOne, Auth0, OneLoginBySAML, CustomSAML}

// ParseConnectionProvider reads a connection's provider, also by its other names.
func ParseConnectionProvider(s string) (Provider, error) {
	switch s {
	case "entra":
		return AzureAD, nil
	case "onelogin":
		return OneLoginBySAML, nil
	}
	if p := Provider(s); slices.Contains(connectionProviders, p) {
		return p, nil
	}
	return "", RefuseField("provider_type", "is none of azure_ad adfs google okta ping_federate ping_one auth0 one_login custom_saml")
}
