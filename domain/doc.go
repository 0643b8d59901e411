// Package domain is the words of directory sync: what stands, what may happen to it, and what then has changed.
//
// It is pure: no clock, no network, no disk, no randomness and no log. Time, ids and secrets are handed in. Each noun
// has a file with its state, its events (facts in the past tense, each with a stored name that never changes) and its
// decisions: functions of the state and an intent that answer the events to append, none if nothing would change, or
// an *Error. Apply folds an event into the state; it assigns and never decides.
//
// # The language
//
// One word, one meaning; names follow RFC 7643, RFC 7644 and Standard Webhooks.
//
//   - organization: a customer of our user's application. administrator: that customer's IT admin.
//   - application: what our user builds; it receives the webhooks, and its users sign in by connections.
//   - directory: an organization's feed of users and groups from one provider.
//   - provider: the kind of identity provider (okta, azure_ad, …).
//   - connection: an organization's way to sign in. onboarding: its administrator setting it up.
//   - invitation: asks that administrator for it, by a mail with a link that is used once. A directory is set up the same way.
//   - redirection: where a connection's users are sent. policy: which users may sign in. seat: a user's place where their number is limited.
//   - user, group, member: as in RFC 7643. Suspended (inactive) and deleted are different facts.
//   - command: an intent. event: a stored fact, never sent as such. record: an event as bytes.
//   - stream: the records of one subject. version: how many there are. position: a place in the log's one order.
//   - meta: who, through what and when, beside each event.
//   - projection: builds a read model from the log. reactor: acts outwards; a rebuild never runs it.
//   - replay: to read events again to show or send the past. rebuild: to make read models anew.
//   - snapshot: a subject's whole state at one position. change: before, after and what differs.
//   - message: a change as it is sent. endpoint: a webhook's URL, secret and filter (webhook on the wire).
//   - delivery: one message to one endpoint. attempt: one try of it.
//   - principal: who is asking. claim: the reservation of a unique name.
package domain
