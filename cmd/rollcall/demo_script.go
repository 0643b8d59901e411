package main

import "net/http"

// demoFeed is what one provider sends for one organization.
type demoFeed struct {
	organization string
	provider     demoProvider
	steps        []demoStep
}

type demoProvider struct{ name, title string }

// demoStep is one request as the provider sends it; {name} stands for the id of what an earlier step created under that name.
type demoStep struct {
	method, path string
	status       int
	creates      string
	body         string
}

// demoFeeds is what Okta and Entra ID really send: the spellings differ, the changes do not.
var demoFeeds = []demoFeed{
	{"Acme", demoProvider{"okta", "Okta"}, []demoStep{
		{"GET", `/Users?filter=userName%20eq%20%22ada@acme.test%22&startIndex=1&count=100`, http.StatusOK, "", ""},
		{"POST", "/Users", http.StatusCreated, "ada", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":"ada@acme.test","name":{"givenName":"Ada","familyName":"Lovelace"},"emails":[{"primary":true,"value":"ada@acme.test","type":"work"}],"displayName":"Ada Lovelace","locale":"en-US","externalId":"00u1ada","groups":[],"password":"never-kept","active":true,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"1815","department":"Engines"}}`},
		{"POST", "/Users", http.StatusCreated, "charles", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"charles@acme.test","name":{"givenName":"Charles","familyName":"Babbage"},"emails":[{"primary":true,"value":"charles@acme.test","type":"work"}],"externalId":"00u2charles","active":true}`},
		{"PUT", "/Users/{ada}", http.StatusOK, "", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"id":"{ada}","userName":"ada@acme.test","name":{"givenName":"Ada","familyName":"King"},"emails":[{"primary":true,"value":"ada@acme.test","type":"work"}],"displayName":"Ada King","locale":"en-US","externalId":"00u1ada","active":true,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"1815","department":"Analytical Engines"}}`},
		{"POST", "/Groups", http.StatusCreated, "engineers", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Engineers","members":[]}`},
		{"PATCH", "/Groups/{engineers}", http.StatusNoContent, "", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{ada}","display":"ada@acme.test"},{"value":"{charles}","display":"charles@acme.test"}]}]}`},
		{"PATCH", "/Groups/{engineers}", http.StatusNoContent, "", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"{charles}\"]"}]}`},
		{"PATCH", "/Users/{charles}", http.StatusOK, "", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`},
	}},
	{"Globex", demoProvider{"azure_ad", "Entra ID"}, []demoStep{
		{"GET", `/Users?filter=emails[type%20eq%20%22work%22].value%20eq%20%22grace@globex.test%22`, http.StatusOK, "", ""},
		{"POST", "/Users", http.StatusCreated, "grace", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"0a21f0f2-8d2a","userName":"grace@globex.test","active":true,"displayName":"Grace Hopper","emails":[{"primary":true,"type":"work","value":"grace@globex.test"}],"meta":{"resourceType":"User"},"name":{"formatted":"Grace Hopper","familyName":"Hopper","givenName":"Grace"},"roles":[],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Navy"}}`},
		{"PATCH", "/Users/{grace}", http.StatusOK, "", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"displayName","value":"Rear Admiral Hopper"},{"op":"Add","path":"emails[type eq \"other\"].value","value":"grace@navy.test"},{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber","value":"1906"}]}`},
		{"POST", "/Groups", http.StatusCreated, "officers", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"8aa1a0c0","displayName":"Officers","meta":{"resourceType":"Group"}}`},
		{"PATCH", "/Groups/{officers}", http.StatusNoContent, "", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[{"$ref":null,"value":"{grace}"}]}]}`},
		{"PATCH", "/Users/{grace}", http.StatusOK, "", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`},
		{"DELETE", "/Users/{grace}", http.StatusNoContent, "", ""},
	}},
}
