import { ExtensionType, getMintLen } from '@solana/spl-token';
import { TOKEN_GROUP_MEMBER_SIZE, TOKEN_GROUP_SIZE } from '@solana/spl-token-group';
import { pack } from '@solana/spl-token-metadata';
import { PublicKey } from '@solana/web3.js';
import { attributesInOrder, type TicketOrder } from './ticket.ts';

/** Type and length before each extension that Token-2022 appends to the account. */
const TLV_HEADER = 4;

/** Bytes of a mint when it is created, and when everything that the program appends is there. */
export interface MintSize {
  created: number;
  full: number;
}

export function ticketSize(order: TicketOrder, updateAuthority: PublicKey): MintSize {
  const extensions = [ExtensionType.MetadataPointer];
  if (order.collection) extensions.push(ExtensionType.GroupMemberPointer);
  if (!order.transferable) extensions.push(ExtensionType.NonTransferable);
  const created = getMintLen(extensions);
  const metadata = metadataSize({ ...order, updateAuthority });
  return { created, full: created + metadata + (order.collection ? TLV_HEADER + TOKEN_GROUP_MEMBER_SIZE : 0) };
}

export function collectionSize(name: string, updateAuthority: PublicKey): MintSize {
  const created = getMintLen([ExtensionType.MetadataPointer, ExtensionType.GroupPointer]);
  const metadata = metadataSize({ name, symbol: '', uri: '', attributes: {}, updateAuthority });
  return { created, full: created + metadata + TLV_HEADER + TOKEN_GROUP_SIZE };
}

interface MetadataText extends Pick<TicketOrder, 'name' | 'symbol' | 'uri' | 'attributes'> {
  updateAuthority: PublicKey;
}

function metadataSize({ name, symbol, uri, attributes, updateAuthority }: MetadataText): number {
  const packed = pack({
    mint: PublicKey.default,
    updateAuthority,
    name,
    symbol,
    uri,
    additionalMetadata: attributesInOrder({ attributes }),
  });
  return TLV_HEADER + packed.length;
}
