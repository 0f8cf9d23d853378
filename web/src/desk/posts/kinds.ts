/** Kinds of post, and the levels of area on which each stands; the server refuses the others. */
import { label } from '../words'

export const KINDS: Record<string, string[]> = {
  third_level: ['cell'],
  designated: ['grid'],
  police: ['grid', 'community'],
  judge: ['grid', 'community', 'town'],
  enforcement: ['grid', 'community', 'town'],
  community_worker: ['grid', 'community'],
  party_branch: ['grid'],
}

export const kindName = (kind: string): string => label('post.kind', kind)
