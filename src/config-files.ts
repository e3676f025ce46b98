/** Settings of files: how fast they may go between branches, and when large ones come by themselves. */

export const FILE_SETTINGS = [
  {
    flag: 'file-rate',
    kind: 'count',
    default: '0',
    help: 'kbit/s that files may take of each line to another branch, each way, 16 or more; 0: all that messages leave',
  },
  {
    flag: 'file-hours',
    kind: 'text',
    default: undefined,
    help: 'another --file-rate in some hours of each day, as 08:00-18:00=256',
  },
  {
    flag: 'files-ahead',
    kind: 'text',
    default: undefined,
    help: 'hours in which large files come from other branches by themselves, as 19:00-07:00. Default: when somebody opens them',
  },
] as const

export type FileSetting = {
  /** kbit/s; 0: no ceiling. */
  rate: number
  /** Another one in some hours. */
  hours: (Hours & { rate: number }) | undefined
  ahead: Hours | undefined
}

type Flag = (typeof FILE_SETTINGS)[number]['flag']
type Parsed = <T>(
  flag: Flag,
  parse: (value: string) => T | undefined,
  allowed: string,
) => T | undefined

/** The settings; faults are noted by `parsed`. */
export function filesOf(parsed: Parsed): FileSetting {
  return {
    rate: parsed('file-rate', fileRateOf, '0, or 16 to 1000000') ?? 0,
    hours: parsed('file-hours', fileHoursOf, 'HH:MM-HH:MM=KBIT, as 08:00-18:00=256'),
    ahead: parsed('files-ahead', hoursOf, 'HH:MM-HH:MM, as 19:00-07:00'),
  }
}

/** kbit/s: below, a minute could pass without a byte, and the file would be given up. */
const FILE_RATE_MIN = 16
const FILE_RATE_MAX = 1_000_000

/** A ceiling for files in kbit/s; 0 is none. */
function fileRateOf(value: string): number | undefined {
  const rate = /^\d{1,7}$/.test(value) ? Number(value) : Number.NaN
  return rate === 0 || (rate >= FILE_RATE_MIN && rate <= FILE_RATE_MAX) ? rate : undefined
}

/** Hours of each day, in minutes after midnight; `from` after `to` goes over midnight. */
type Hours = { from: number; to: number }

/** Hours of each day, as 19:00-07:00. */
function hoursOf(value: string): Hours | undefined {
  const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(value) ?? []
  const [begin, end] = [minuteOf(from), minuteOf(to)]
  return begin === undefined || end === undefined || begin === end
    ? undefined
    : { from: begin, to: end }
}

function minuteOf(text = ''): number | undefined {
  const [hours = Number.NaN, minutes = Number.NaN] = text.split(':').map(Number)
  return hours <= 23 && minutes <= 59 ? hours * 60 + minutes : undefined
}

/** A ceiling in some hours, as 08:00-18:00=256. */
function fileHoursOf(value: string): (Hours & { rate: number }) | undefined {
  const [hours = '', rate = ''] = value.split('=')
  const [known, ceiling] = [hoursOf(hours), fileRateOf(rate)]
  return known && ceiling !== undefined ? { ...known, rate: ceiling } : undefined
}
