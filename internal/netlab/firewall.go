package netlab

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// TrackConnections enables connection tracking in the current network namespace, by a firewall rule
// that looks at the state of connections. It needs nf_tables and nft_ct.
func TrackConnections() error {
	const table, chain = "track", "input"
	add := func(kind uint16, body func(*message)) message {
		m := newMessage(unix.NFNL_SUBSYS_NFTABLES<<8|kind, request|unix.NLM_F_CREATE, nfgenmsg(unix.NFPROTO_IPV4, 0)...)
		body(&m)
		return m
	}
	err := exchange(
		unix.NETLINK_NETFILTER,
		newMessage(unix.NFNL_MSG_BATCH_BEGIN, 0, nfgenmsg(unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)...),
		add(unix.NFT_MSG_NEWTABLE, func(m *message) {
			m.text(unix.NFTA_TABLE_NAME, table)
		}),
		add(unix.NFT_MSG_NEWCHAIN, func(m *message) {
			m.text(unix.NFTA_CHAIN_TABLE, table)
			m.text(unix.NFTA_CHAIN_NAME, chain)
			m.nest(unix.NFTA_CHAIN_HOOK, nil, func(m *message) {
				m.be32(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_LOCAL_IN)
				m.be32(unix.NFTA_HOOK_PRIORITY, 0)
			})
			m.text(unix.NFTA_CHAIN_TYPE, "filter")
		}),
		add(unix.NFT_MSG_NEWRULE, func(m *message) {
			m.text(unix.NFTA_RULE_TABLE, table)
			m.text(unix.NFTA_RULE_CHAIN, chain)
			m.nest(unix.NFTA_RULE_EXPRESSIONS, nil, func(m *message) {
				m.nest(unix.NFTA_LIST_ELEM, nil, func(m *message) {
					m.text(unix.NFTA_EXPR_NAME, "ct")
					m.nest(unix.NFTA_EXPR_DATA, nil, func(m *message) {
						m.be32(unix.NFTA_CT_DREG, unix.NFT_REG_1)
						m.be32(unix.NFTA_CT_KEY, unix.NFT_CT_STATE)
					})
				})
			})
		}),
		newMessage(unix.NFNL_MSG_BATCH_END, 0, nfgenmsg(unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)...),
	)
	if err != nil {
		return fmt.Errorf("add a firewall rule: %w", err)
	}
	return nil
}

// nfgenmsg returns a struct nfgenmsg: family, version, and a number in network byte order.
func nfgenmsg(family byte, resID uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{family, unix.NFNETLINK_V0}, resID)
}
