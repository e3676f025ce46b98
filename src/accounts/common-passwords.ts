/**
 * Passwords that are tried first although they have ten characters: words and phrases people choose in the three
 * languages of the interface, keyboard walks, and patterns around them. Written for this program; lower case.
 */

/** Whole passwords, compared without case, spaces and separators. */
const WHOLE: ReadonlySet<string> = new Set(
  `passwordpassword password1234 password12345 password123456 mypassword mypassword1 newpassword newpassword1
  thepassword yourpassword temppassword temporarypassword temporary1 changeme123 changemenow changeme1234
  pleasechange letmein1234 letmein123 letmeinnow letmeinplease iloveyou12 iloveyou123 iloveyou1234 iloveyoutoo
  iloveyousomuch iloveukraine ilovekyiv ilovelviv welcome1234 welcome12345 welcomehome welcomeback welcome2work
  administrator administrator1 administrador administracao adminadmin adminadmin1 admin12345 admin123456 admin1234567
  rootroot12 rootroot123 superuser1 superadmin superadmin1 sysadmin123 useruser12 guestguest testtest12 testtest123
  testing1234 testpassword defaultpassword defaultpass passw0rd12 passw0rd123 passw0rd1234 p@ssw0rd12 p@ssw0rd123
  p@ssword123 p@$$w0rd123 secretpassword topsecret1 topsecret123 supersecret secret1234 secret12345 nosecrets1
  qwertyuiop qwertyuiop1 qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyasdf qwertyasdfg qwertyasdfgh qwertyzxcv
  qwertzuiop azertyuiop asdfghjkl1 asdfghjkl12 asdfghjkl; asdfghjkl;' asdfasdfasdf asdfqwer12 asdfqwer1234 zxcvbnm123
  zxcvbnm1234 zxcvbnm,./ zaq12wsxcde zaq1zaq1zaq1 1qaz2wsx3edc 1qazxsw23edc 1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u
  q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedcrfv qazwsxedc1 1qaz1qaz1qaz 2wsx3edc4rfv 123qweasdzxc qweasdzxc1 qweasdzxc123
  qwe123qwe123 qweqweqwe1 123qwe123qwe 1234qwerasdf 1234qwer1234 qwer1234qwer abcd1234abcd abc123abc123 abcabcabc1
  aaaaaaaaa1 a123456789 a1234567890 aa12345678 aa123456789 aa11223344 1a2b3c4d5e 1a2s3d4f5g 1234567890a 1234567890q
  monkey1234 monkey12345 dragon1234 dragon12345 football12 football123 football1234 baseball12 baseball123
  basketball basketball1 volleyball superman12 superman123 batman12345 spiderman1 spiderman12 starwars12 starwars123
  pokemon1234 minecraft1 minecraft12 minecraft123 whatever12 whatever123 trustno1trustno1 sunshine12 sunshine123
  sunshine1234 princess12 princess123 princess1234 butterfly1 chocolate1 chocolate12 cinderella strawberry strawberry1
  blink182blink mercedes12 mercedes123 liverpool1 manchester manchester1 barcelona1 realmadrid realmadrid1 juventus123
  dynamokyiv dynamokiev dynamo1927 shakhtar1936 shevchenko shevchenko1 shevchenko7 slavaukraini slavaukraine
  slavaukraini1 heroyamslava ukraine2022 ukraine2023 ukraine2024 ukraine2025 ukraine2026 ukraine1991 kyivukraine
  ukrainekyiv peremoha2022 peremoha2024 zaporizhzhia kharkiv123 chornomorets odessa12345 lvivlviv12 kyivkyiv12
  privetprivet privet12345 samsung1234 samsung12345 lovelovelove loveyou1234 mynameis12 myfamily12 mamapapa12
  mamapapa123 computer12 computer123 computer1234 internet12 internet123 keyboard12 keyboard123 microsoft1 windows1234
  google12345 facebook12 facebook123 instagram1 telegram12 telegram123 whatsapp12 messenger1 messenger123 branchline
  branchline1 branchline12 branchline123 branchline2026 company1234 company12345 business12 business123 office12345
  office1234 summer2024 summer2025 summer2026 winter2024 winter2025 winter2026 spring2025 spring2026 autumn2025
  autumn2026 january2026 december2026 november2026 monday1234 friday12345 benfica1904 sporting1906 fcporto1893
  portugal12 portugal123 portugal2016 lisboa1234 teamo12345 teamoteamo euteamo123 euteamomuito senhasenha senha12345
  senha123456 minhasenha minhasenha1 palavrapasse palavrachave flamengo12 flamengo123 corinthians corinthians1
  palmeiras1 brasil2014 brasil1234 correcthorsebatterystaple пароль1234 пароль12345 пароль123456 парольпароль
  мійпароль1 мійпароль12 секретсекрет йцукенгшщз йцукенгшщзх йцукен1234 йцукен12345 фівапролдж фывапролдж
  ячсмитьбю1 привіт1234 привіт12345 привітпривіт кохання123 люблютебе1 україна2022 україна2024 україна2026
  славаукраїні славаукраїні1 героямслава шевченко12 динамокиїв мамамамама адміністратор адміністратор1`
    .split(/\s+/)
    .filter((word) => word.length > 0),
)

/** Words that make no good password, whatever digits and signs stand around them. */
const STEM =
  /^(?:password|passw[o0]rd|p[a@]ss(?:word|w[o0]rd|code)?|qwerty|qwertz|azerty|asdfgh?j?k?l?|zxcvbn?m?|admin|root|user|guest|test|welcome|letmein|changeme|secret|temp|temporary|login|iloveyou|master|demo|branchline|senha|пароль|йцукен|привіт|секрет|тест|адмін)$/

/** Runs that a hand or an eye follows: digits, the alphabet, keyboard rows, forwards or backwards. */
const WALKS: readonly string[] = [
  '01234567890123456789',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  'абвгґдеєжзиіїйклмнопрстуфхцчшщьюя',
  'йцукенгшщзхїфівапролджєячсмитьбю',
]

/** Fewer different characters than this make a pattern (`aaaaabbbbb`, `1212121212`). */
const DIFFERENT_CHARACTERS_MIN = 4

/** Whether a password is one of those a guesser tries first. */
export function isCommonPassword(password: string): boolean {
  const plain = password.toLowerCase().replace(/[\s._-]/g, '')
  if (WHOLE.has(plain) || WHOLE.has(password.toLowerCase())) return true
  if (new Set(plain).size < DIFFERENT_CHARACTERS_MIN) return true
  if (/^(.{1,6}?)\1+$/u.test(plain)) return true // one short thing again and again
  // A date, a telephone number and a counter have digits only.
  if (/^\d+$/.test(plain) && plain.length < 16) return true
  const stem = plain.replace(/^[\d!@#$%^&*()+=?,;:'"/\\|~]+|[\d!@#$%^&*()+=?,;:'"/\\|~]+$/g, '')
  if (STEM.test(stem)) return true
  const backwards = [...plain].reverse().join('')
  return WALKS.some((walk) => walk.includes(plain) || walk.includes(backwards))
}
