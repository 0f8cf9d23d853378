/** The words of the knowledge pages, and the shapes that travel. */
import type { components } from '@/client/schema'
import { apart } from '@/kit/apart'
import zh from './zh-CN.json'

type Schemas = components['schemas']
export type Key = keyof typeof zh
export type EntryRow = Schemas['EntryRow']
export type EntryOut = Schemas['EntryOut']
export type Content = Schemas['ContentOut']
export type Change = EntryOut['changes'][number]
export type VersionOut = Schemas['VersionOut']
export type Remark = EntryOut['feedback'][number]
export type RemarkRow = Schemas['RemarkRow']
export type Question = Schemas['QuestionOut']
export type Hit = Schemas['HitOut']
export type Suggested = Schemas['SuggestOut']
export type Waiting = Schemas['WaitingOut']

export const k = apart<Key>(zh, () => import('./en.json'))
