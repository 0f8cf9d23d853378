/** The shapes of the registry of channels, by short names. */
import type { components } from '@/client/schema'

type Schemas = components['schemas']
type Both = { zh: string; en: string }
type Spoken<T> = Omit<T, 'kind_label' | 'state_label'> & { kind_label: Both; state_label: Both }

export type ChannelRow = Spoken<Schemas['ChannelRow']>
export type Channel = Spoken<Schemas['ChannelOut']>
export type Summary = Schemas['ChannelSummaryOut']
export type Day = Schemas['ChannelDayOut']
export type Key = Schemas['ChannelKeyOut']
export type KeyMade = Schemas['ChannelKeyMade']
export type Mapping = Schemas['MappingOut']
export type ChannelError = Schemas['ChannelErrorOut']
export type Migration = Schemas['MigrationOut']

export const KINDS = ['phone', 'web', 'app', 'wechat', 'email', 'sms', 'letter', 'counter', 'leader_mailbox', 'media', 'police', 'grid', 'partner', 'open311', 'file'] as const
export const STATES = ['active', 'paused', 'retired'] as const
