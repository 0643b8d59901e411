package onboarding

import "github.com/rollcall-sync/rollcall/domain"

// guide is how a directory is set up at a provider, in the words that the provider's own pages have.
type guide struct {
	provider string
	steps    []string
}

// guideOf is the guide for a provider, a general one for those that have none.
func guideOf(p domain.Provider) guide {
	if g, known := guides[p]; known {
		return g
	}
	return guide{"your identity provider", []string{
		"Open the settings for provisioning by SCIM 2.0 of your identity provider.",
		"Enter the SCIM base URL and the token from this page. The token is an OAuth bearer token, sent in the HTTP header Authorization.",
		"Let it create, update and deactivate users, and push groups if you want them.",
		"Test the connection, and turn provisioning on.",
	}}
}

var guides = map[domain.Provider]guide{
	domain.Okta: {"Okta", []string{
		"In the Admin Console open Applications, Browse App Catalog, and add “SCIM 2.0 Test App (OAuth Bearer Token)”. In a SAML or SWA app of your own choose SCIM under General, App Settings, Provisioning instead.",
		"Open the tab Provisioning, Configure API Integration, and tick Enable API integration.",
		"Enter the SCIM base URL as “SCIM 2.0 Base Url” and the token as “OAuth Bearer Token”. In an app of your own they are “SCIM connector base URL” and, with the authentication mode HTTP Header, “Authorization”; the unique identifier is userName.",
		"Press Test API Credentials, and save.",
		"Under To App turn on Create Users, Update User Attributes and Deactivate Users.",
		"Assign people or groups under Assignments, and choose groups under Push Groups.",
	}},
	domain.AzureAD: {"Microsoft Entra ID", []string{
		"Open Enterprise applications, New application, Create your own application, and choose the one that is not in the gallery.",
		"Open Provisioning, and set it to Automatic or press New configuration.",
		"Enter the SCIM base URL as “Tenant URL” and the token as “Secret Token”.",
		"Press Test Connection, and save.",
		"Look through Mappings, choose the scope, and assign the users and groups that are to be synchronized. Groups need a plan with Entra ID P1 or above.",
		"Set the provisioning status to On.",
	}},
	domain.OneLogin: {"OneLogin", []string{
		"Open Applications, Add App, and add “SCIM Provisioner with SAML (SCIM v2 Enterprise)”.",
		"Under Configuration enter the SCIM base URL as “SCIM Base URL” and the token as “SCIM Bearer Token”. Where there is a “SCIM JSON Template”, use one of SCIM 2.0.",
		"Press Enable beside API status.",
		"Under Parameters let “SCIM username” be the e-mail address.",
		"Under Provisioning tick Enable provisioning, and save.",
	}},
	domain.JumpCloud: {"JumpCloud", []string{
		"Open your SSO application, and its tab Identity Management.",
		"Enter the SCIM base URL as “Base URL” and the token as “Token Key”.",
		"Turn on “Enable management of User Groups and Group Membership” if you want groups.",
		"Press Test Connection, then Activate, and save.",
	}},
	domain.PingOne: {"PingOne", []string{
		"Open Integrations, Provisioning, add a new connection, choose Identity Store and SCIM Outbound.",
		"Enter the SCIM base URL as “SCIM Base URL”, and choose the SCIM version 2.0.",
		"Choose the authentication method OAuth 2 Bearer Token, enter the token as “OAuth Access Token”, and choose Bearer as the type in the header.",
		"Press Test Connection, and save.",
		"Add a rule: filter by Enabled, map the user's id to externalId, and turn both the rule and the connection on.",
	}},
	domain.PingFederate: {"PingFederate", []string{
		"Open your SP connection, Outbound Provisioning, and choose the type SCIM Connector.",
		"Enter the SCIM base URL as “SCIM URL”, and choose the SCIM version 2.0.",
		"Choose the OAuth 2 bearer token as authentication, and enter the token as “Access Token”.",
		"Let “Unique User Identifier” be userName.",
		"Add a channel with your users and groups, and activate it.",
	}},
}

// connectionProviders are those that an administrator may choose.
var connectionProviders = []choice{
	{domain.ADFS, "ADFS"}, {domain.Auth0, "Auth0"}, {domain.Google, "Google Workspace"}, {domain.AzureAD, "Microsoft Entra ID (Azure AD)"}, {domain.Okta, "Okta"},
	{domain.OneLoginBySAML, "OneLogin"}, {domain.PingFederate, "PingFederate"}, {domain.PingOne, "PingOne"}, {domain.CustomSAML, "Another one, by SAML 2.0"},
}
