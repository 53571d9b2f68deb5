/** One query's bytes to one answer's bytes. */
import { AUTHORITATIVE_ANSWER, decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED, TRUNCATED_RESPONSE, type Answer, type DecodedPacket } from 'dns-packet'
import type { AnswerCache } from './cache.ts'
import type { Source } from './metrics.ts'
import { answerQuestion, soa, type ClusterView, type DnsRecord, type ZoneOptions } from './zone.ts'

export interface Responder extends ZoneOptions {
  view: ClusterView
  cache: AnswerCache
  forward(query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer>
  /** Is told of every question where its answer came from, and what type was asked for. */
  answered(source: Source, type: string): void
}

const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4 } as const
const plainUdpBytes = 512
/** For so long nobody waits again for a server that does not answer, as CoreDNS' cache does. */
const failureSeconds = 5

const negativeTtlSeconds = 5

const asAnswer = (record: DnsRecord, { domain }: ZoneOptions): Answer => {
  if (record.type === 'SOA') {
    return { type: 'SOA', name: record.name, ttl: record.ttl, data: { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: 1, refresh: 7_200, retry: 1_800, expire: 86_400, minimum: negativeTtlSeconds } }
  }
  return { type: record.type, name: record.name, ttl: record.ttl, data: record.data } as Answer
}

/** Undefined: not even a header; nothing is answered to that. Malformed packets get FORMERR, what upstream cannot answer SERVFAIL. */
export const respond = async (query: Buffer, protocol: 'udp' | 'tcp', responder: Responder): Promise<Buffer | undefined> => {
  if (query.length < 12 || (query[2] ?? 0) & 0x80) return undefined
  const packet = decodeQuery(query)
  const question = packet?.questions?.[0]
  if (!packet || !question || packet.questions?.length !== 1) return headerOnly(query, (((query[2] ?? 0) >> 3) & 15) === 0 ? rcodes.FORMERR : rcodes.NOTIMP)
  const largest = protocol === 'tcp' ? 65_535 : udpSizeOf(packet)
  const answer = answerQuestion(question, responder.view, responder)
  if (!answer) return elsewhere(query, { question, protocol, largest }, responder)
  responder.answered('zone', question.type)
  const authorities = answer.answers.length === 0 ? [asAnswer({ ...soa(responder), ttl: negativeTtlSeconds }, responder)] : []
  return fit({
    type: 'response', id: packet.id ?? 0,
    flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | ((packet.flags ?? 0) & RECURSION_DESIRED) | (answer.exists ? rcodes.NOERROR : rcodes.NXDOMAIN),
    questions: [question], answers: shuffled(answer.answers, packet.id ?? 0).map((each) => asAnswer(each, responder)), authorities,
    additionals: [...answer.additionals.map((each) => asAnswer(each, responder)), ...edns(packet)],
  }, largest)
}

type Packet = Parameters<typeof encode>[0] & { flags: number }

/** Another order for each query, so that clients that take the first spread over all. */
const shuffled = <T>(list: readonly T[], by: number): T[] => (list.length === 0 ? [] : [...list.slice(by % list.length), ...list.slice(0, by % list.length)])

const decodeQuery = (query: Buffer): DecodedPacket | undefined => {
  try {
    return decode(query)
  } catch {
    return undefined // FORMERR says it
  }
}

const udpSizeOf = (packet: DecodedPacket): number => {
  const option = packet.additionals?.find(({ type }) => type === 'OPT') as { udpPayloadSize?: number } | undefined
  return Math.min(Math.max(option?.udpPayloadSize ?? plainUdpBytes, plainUdpBytes), 4_096)
}

const edns = (packet: DecodedPacket): Answer[] => (packet.additionals?.some(({ type }) => type === 'OPT')
  ? [{ type: 'OPT', name: '.', udpPayloadSize: 4_096, flags: 0, options: [], extendedRcode: 0, ednsVersion: 0, flag_do: false } as unknown as Answer] : [])

/** What was not asked for is left out first; an answer that is cut says so. (RFC 2181, section 9) */
const fit = (packet: Packet, largest: number): Buffer => {
  const whole = encode(packet)
  if (whole.length <= largest) return whole
  const plain = { ...packet, additionals: (packet.additionals ?? []).filter(({ type }) => type === 'OPT') } as Packet
  const bare = encode(plain)
  return bare.length <= largest ? bare : encode({ ...plain, flags: packet.flags | TRUNCATED_RESPONSE, answers: [], authorities: [] } as Packet)
}

const headerOnly = (query: Buffer, rcode: number): Buffer => {
  const answer = Buffer.alloc(12)
  query.copy(answer, 0, 0, 3)
  answer[2] = (answer[2] ?? 0) | 0x80
  answer[3] = 0x80 | rcode
  return answer
}

interface Elsewhere { question: { name: string; type: string }; protocol: 'udp' | 'tcp'; largest: number }

const elsewhere = async (query: Buffer, { question, protocol, largest }: Elsewhere, responder: Responder): Promise<Buffer> => {
  const key = `${protocol} ${largest} ${question.type} ${question.name.toLowerCase()}`
  const kept = responder.cache.get(key)
  if (kept) {
    responder.answered('cache', question.type)
    return aged(kept.packet, kept.ageSeconds, query.readUInt16BE(0))
  }
  try {
    const answer = await responder.forward(query, protocol)
    responder.cache.set(key, answer, ttlOf(answer))
    responder.answered('upstream', question.type)
    return answer
  } catch {
    responder.answered('refused', question.type)
    const failed = withQuestion(query, rcodes.SERVFAIL)
    responder.cache.set(key, failed, failureSeconds)
    return failed
  }
}

const withQuestion = (query: Buffer, rcode: number): Buffer => {
  const packet = decode(query)
  return encode({ type: 'response', id: packet.id ?? 0, flags: RECURSION_AVAILABLE | ((packet.flags ?? 0) & RECURSION_DESIRED) | rcode, questions: packet.questions ?? [] } as Packet)
}

const ttlOf = (answer: Buffer): number => {
  try {
    const packet = decode(answer)
    const records = [...(packet.answers ?? []), ...(packet.authorities ?? [])].flatMap((each) => ('ttl' in each && typeof each.ttl === 'number' ? [each.ttl] : []))
    return records.length > 0 ? Math.min(...records) : 0
  } catch {
    return 0 // what cannot be read is passed on, but not kept
  }
}

const aged = (packet: Buffer, ageSeconds: number, id: number): Buffer => {
  const answer = decode(packet)
  const age = <T extends object>(record: T): T => ('ttl' in record && typeof record.ttl === 'number' ? { ...record, ttl: Math.max(1, record.ttl - ageSeconds) } : record)
  return encode({ ...answer, type: 'response', id, flags: answer.flags ?? 0, answers: (answer.answers ?? []).map(age), authorities: (answer.authorities ?? []).map(age) } as Packet)
}
