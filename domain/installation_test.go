package domain

import "testing"

func TestInstallation(t *testing.T) {
	var i Installation
	if i.Apply(InstallationCreated{"check"}); i.KeyCheck != "check" {
		t.Errorf("%+v", i)
	}
}
