package calico

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// NATTable is the nftables table of the stand-in: whoever looks at the rules sees whose they are.
const NATTable = "lab-standin-calico"

const (
	sourceOffset      = 12
	destinationOffset = 16
	addressBytes      = 4
)

// ApplyNAT replaces the table in one step: packets from a pool with natOutgoing to an address outside of all pools
// leave with the node's address.
func ApplyNAT(fabric Fabric) error {
	connection := &nftables.Conn{}
	table := connection.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: NATTable})
	connection.FlushTable(table)
	chain := connection.AddChain(&nftables.Chain{
		Name: "postrouting", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	for _, pool := range fabric.Masquerade {
		rule := match(sourceOffset, pool, expr.CmpOpEq)
		for _, other := range fabric.Pools {
			rule = append(rule, match(destinationOffset, other, expr.CmpOpNeq)...)
		}
		connection.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: append(rule, &expr.Masq{})})
	}
	if err := connection.Flush(); err != nil {
		return fmt.Errorf("nftables table %s: %w", NATTable, err)
	}
	return nil
}

// match compares the network part of an address in the IPv4 header.
func match(offset uint32, network netip.Prefix, operation expr.CmpOp) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: addressBytes},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: addressBytes,
			Mask: net.CIDRMask(network.Bits(), 32), Xor: make([]byte, addressBytes)},
		&expr.Cmp{Op: operation, Register: 1, Data: network.Masked().Addr().AsSlice()},
	}
}
