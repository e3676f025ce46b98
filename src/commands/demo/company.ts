/** The demo's company: twelve people at two branches and what they wrote to each other in the last days. */
import type { Looks } from './portraits.ts'

export const DEMO_ORGANISATION = 'Dovira Trade'
/** Everybody's password in the demo; it is printed at start. */
export const DEMO_PASSWORD = 'branchline-demo'

export type DemoBranch = 'Kyiv' | 'Lviv'
export type DemoPerson = {
  login: string
  branch: DemoBranch
  firstName: string
  lastName: string
  post: string
  department: string
  phone: string
  room: string
  language: 'en' | 'uk' | 'pt'
  looks: Looks
}

const FAIR = '#f2c9a8'
const LIGHT = '#e8b58f'
const TAN = '#d19a70'
const BROWN = '#4a3226'
const BLACK = '#26232b'
const BLOND = '#d9a953'
const RED = '#a34e2a'
const GREY = '#8d9099'

type Row = [
  login: string,
  name: string,
  work: string,
  at: string,
  looks: [
    skin: string,
    hair: string,
    clothes: string,
    background: string,
    style: Looks['style'],
    extra?: string,
  ],
]

const KYIV: Row[] = [
  [
    'petro',
    'Petro Melnyk',
    'Head of supply|Supply',
    '101|12',
    [FAIR, BROWN, '#31518f', '#bcd0f2', 'short'],
  ],
  [
    'maria',
    'Maria Shevchenko',
    'Chief accountant|Accounting',
    '102|14',
    [FAIR, RED, '#2f6f62', '#cbe6dc', 'bob', 'glasses'],
  ],
  [
    'taras',
    'Taras Lysenko',
    'Buyer|Supply',
    '103|12',
    [LIGHT, BLACK, '#6a4a8c', '#dccff0', 'short', 'beard'],
  ],
  [
    'iryna',
    'Iryna Koval',
    'HR manager|People',
    '104|21',
    [LIGHT, BROWN, '#a34d6c', '#f3d0dd', 'long'],
  ],
  [
    'dmytro',
    'Dmytro Savchuk',
    'System administrator|IT',
    '105|3',
    [FAIR, BLOND, '#39404f', '#d3d9e4', 'curly', 'glasses'],
  ],
  ['sofia', 'Sofia Hrytsenko', 'Lawyer|Legal', '106|22', [TAN, BLACK, '#394a7a', '#cfd6ef', 'bun']],
]

const LVIV: Row[] = [
  [
    'olena',
    'Olena Kovalenko',
    'Accountant|Accounting',
    '201|5',
    [FAIR, BROWN, '#b0506e', '#f5d3da', 'long'],
  ],
  [
    'andriy',
    'Andriy Bondar',
    'Warehouse manager|Warehouse',
    '202|1',
    [LIGHT, GREY, '#7a5a2f', '#eadcc2', 'short', 'beard'],
  ],
  [
    'natalia',
    'Natalia Romaniuk',
    'Sales manager|Sales',
    '203|7',
    [FAIR, BLOND, '#3b7d74', '#cfe9e4', 'bob'],
  ],
  [
    'ihor',
    'Ihor Tkachuk',
    'Dispatcher|Logistics',
    '204|2',
    [TAN, GREY, '#4b5a73', '#d5dce8', 'bald', 'glasses'],
  ],
  [
    'yulia',
    'Yulia Moroz',
    'Designer|Marketing',
    '205|8',
    [FAIR, RED, '#6d4fa3', '#ddd2f2', 'curly'],
  ],
  [
    'joao',
    'João Ferreira',
    'Export to Portugal|Sales',
    '206|7',
    [TAN, BLACK, '#2f6d8f', '#c9e1ee', 'short'],
  ],
]

function people(branch: DemoBranch, rows: readonly Row[]): DemoPerson[] {
  return rows.map(([login, name, work, at, [skin, hair, clothes, background, style, extra]]) => {
    const [firstName = '', lastName = ''] = name.split(' ')
    const [post = '', department = ''] = work.split('|')
    const [phone = '', room = ''] = at.split('|')
    return {
      login,
      branch,
      firstName,
      lastName,
      post,
      department,
      phone,
      room,
      language: login === 'joao' ? 'pt' : 'en',
      looks: {
        skin,
        hair,
        clothes,
        background,
        style,
        beard: extra === 'beard',
        glasses: extra === 'glasses',
      },
    }
  })
}

export const DEMO_PEOPLE: readonly DemoPerson[] = [...people('Kyiv', KYIV), ...people('Lviv', LVIV)]

/** What was said, oldest first: minutes before the demo was made, who, what. */
export type DemoTalk = {
  /** Logins; the first one made the group. */
  members: readonly string[]
  /** Undefined for a direct chat. */
  title?: string
  lines: readonly [minutesAgo: number, login: string, text: string][]
  /** Who has not read the last lines yet. */
  unreadBy?: { login: string; lines: number }
}

const DAY = 24 * 60

export const DEMO_TALKS: readonly DemoTalk[] = [
  {
    title: 'Announcements',
    members: [
      'iryna',
      'petro',
      'maria',
      'taras',
      'dmytro',
      'sofia',
      'olena',
      'andriy',
      'natalia',
      'ihor',
      'yulia',
      'joao',
    ],
    lines: [
      [
        3 * DAY + 200,
        'iryna',
        'Welcome to Branchline, everybody! Both offices in one place, and nothing leaves our own network.',
      ],
      [
        2 * DAY + 90,
        'dmytro',
        'If the line between Kyiv and Lviv is down, just keep writing. Messages wait and go by themselves, and you can always see where each one is.',
      ],
      [
        200,
        'iryna',
        'Fire drill on Thursday at 11:00. Please leave by the nearest exit and meet at the gate.',
      ],
    ],
  },
  {
    title: 'Procurement',
    unreadBy: { login: 'petro', lines: 2 },
    members: ['petro', 'taras', 'andriy', 'olena', 'ihor'],
    lines: [
      [DAY + 320, 'petro', 'The pallets for the Lisbon order: who checks the stock in Lviv?'],
      [DAY + 310, 'andriy', 'I do. 240 on the floor, 60 more arrive tomorrow.'],
      [DAY + 305, 'taras', 'Then 300 is enough, I will not order more.'],
      [95, 'ihor', 'The truck leaves Lviv at 18:00 today.'],
      [62, 'taras', 'The supplier confirmed Monday.'],
      [60, 'taras', 'And the price stays as agreed.'],
    ],
  },
  {
    members: ['petro', 'andriy'],
    lines: [
      [DAY + 500, 'andriy', 'Are you coming to Lviv next week?'],
      [DAY + 490, 'petro', 'Yes, on the morning train.'],
      [DAY + 488, 'petro', 'See you on Monday'],
    ],
  },
  {
    members: ['petro', 'maria'],
    lines: [
      [240, 'maria', 'Could you sign the travel report today?'],
      [231, 'petro', 'Signed, it is on your table.'],
      [230, 'maria', 'Thank you!'],
    ],
  },
  {
    members: ['maria', 'olena'],
    lines: [
      [DAY + 120, 'maria', 'Olena, the auditors ask for row 118 again. Is the sum with VAT?'],
      [DAY + 96, 'olena', 'With VAT. I add a note to the sheet so that nobody asks twice.'],
    ],
  },
  {
    members: ['natalia', 'joao'],
    lines: [
      [400, 'natalia', 'Bom dia! Is the Lisbon contract back?'],
      [388, 'joao', 'Signed this morning. Obrigado for the quick price list!'],
    ],
  },
]
