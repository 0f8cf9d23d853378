/** What the wall is sent: GET /api/screen/snapshot and the lines of /api/live. */
import type { Both } from '@/kit/i18n'

export interface Figures {
  accepted: number
  closed: number
  rated: number
  satisfaction_rate: number | null
  hours: number | null
}

export interface Summary {
  now: Figures
  before: Figures
  open: number
  overdue: number
}

export interface Lights {
  code: string
  name: string
  green: number
  amber: number
  red: number
  open: number
}

export interface AreaFigure {
  code: string
  name: string
  n: number | null
  before: number | null
}

export interface MatterFigure {
  code: string
  name: Both
  n: number
  before: number
}

export interface Step {
  at: string
  n: number | null
  before: number
}

export interface Line {
  id: string
  kind: string
  at: string
  label: Both | null
  state: string
  state_label: Both
  matter: Both | null
  area: string | null
  county: string | null
  lon: number | null
  lat: number | null
}

export interface Duty {
  office: string
  role: string
  role_label: Both
  telephone: string | null
}

export interface Snapshot {
  as_of: string
  seconds_behind: number
  position: string
  area: { code: string; name: string } | null
  today: Summary
  week: Summary
  lights: { total: Lights; counties: Lights[]; offices: Lights[] }
  counties: AreaFigure[]
  towns: AreaFigure[]
  matters: MatterFigure[]
  hours: Step[]
  heat: { counts: Record<string, number>; points: [number, number, number][]; hidden: number }
  feed: Line[]
  duty: Duty[]
}
