package esdbtest

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
)

// members answers gossip: the nodes of the cluster as this one knows them.
type members struct {
	gossip.UnimplementedGossipServer
	server *Server
}

func (m *members) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	c := m.server.party()
	c.mu.Lock()
	defer c.mu.Unlock()
	info := &gossip.ClusterInfo{}
	for _, s := range c.nodes {
		state := gossip.MemberInfo_Follower
		if s == c.leader {
			state = gossip.MemberInfo_Leader
		}
		info.Members = append(info.Members, &gossip.MemberInfo{
			State:        state,
			IsAlive:      !s.faults.killed(),
			HttpEndPoint: &gossip.EndPoint{Address: s.address.IP.String(), Port: uint32(s.address.Port)},
		})
	}
	return info, nil
}

// features answers what the server can do: nothing beyond the basics.
type features struct {
	serverfeatures.UnimplementedServerFeaturesServer
	server *Server
}

func (f *features) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	return &serverfeatures.SupportedMethods{EventStoreServerVersion: f.server.config.Version}, nil
}
