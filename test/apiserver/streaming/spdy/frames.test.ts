/** SPDY frames against bytes put together by hand from the diagrams of the SPDY/3.1 draft (chapter 2.6), and header blocks that kubectl's own library has written. */
import { constants, createInflate, deflateSync, inflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { dictionary } from '../../../../src/apiserver/streaming/spdy/dictionary.ts'
import { encode, type Frame, SpdyProtocolError } from '../../../../src/apiserver/streaming/spdy/frames.ts'
import { FrameReader } from '../../../../src/apiserver/streaming/spdy/frame-reader.ts'
import { HeaderReader, HeaderWriter, parseBlock, renderBlock } from '../../../../src/apiserver/streaming/spdy/header-block.ts'
import { headerDeflater } from '../../../support/spdy-client.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const read = (bytes: Buffer): Frame[] => [...new FrameReader().push(bytes)]

describe('frames as they are read', () => {
  //         1|version  type | flags length  | payload
  test.each<[string, string, Frame[]]>([
    ['SYN_STREAM: stream 1, associated with none, priority 3', '8003 0001  00 00000c  00000001 00000000 60 00 aabb', [{ type: 'synStream', streamId: 1, fin: false, unidirectional: false, block: hex('aabb') }]],
    ['SYN_STREAM with FLAG_FIN', '8003 0001  01 00000a  00000003 00000000 0000', [{ type: 'synStream', streamId: 3, fin: true, unidirectional: false, block: hex('') }]],
    ['SYN_STREAM with FLAG_UNIDIRECTIONAL; the reserved bit is ignored', '8003 0001  02 00000a  80000005 00000000 0000', [{ type: 'synStream', streamId: 5, fin: false, unidirectional: true, block: hex('') }]],
    ['SYN_REPLY', '8003 0002  00 000005  00000001 cc', [{ type: 'synReply', streamId: 1, fin: false, block: hex('cc') }]],
    ['RST_STREAM: CANCEL', '8003 0003  00 000008  00000007 00000005', [{ type: 'rstStream', streamId: 7, status: 5 }]],
    ['SETTINGS: one, SETTINGS_INITIAL_WINDOW_SIZE, with a flag', '8003 0004  00 00000c  00000001  01 000007 00010000', [{ type: 'settings', settings: [{ id: 7, value: 65_536 }] }]],
    ['PING', '8003 0006  00 000004  00000001', [{ type: 'ping', id: 1 }]],
    ['GOAWAY: last good stream 9, OK', '8003 0007  00 000008  00000009 00000000', [{ type: 'goAway', lastStreamId: 9, status: 0 }]],
    ['HEADERS with FLAG_FIN', '8003 0008  01 000004  0000000b', [{ type: 'headers', streamId: 11, fin: true, block: hex('') }]],
    ['WINDOW_UPDATE of the session', '8003 0009  00 000008  00000000 00008000', [{ type: 'windowUpdate', streamId: 0, delta: 32_768 }]],
    ['DATA', '00000001  00 000003  616263', [{ type: 'data', streamId: 1, data: Buffer.from('abc'), fin: false }]],
    ['DATA, the last, empty', '00000001  01 000000', [{ type: 'data', streamId: 1, data: Buffer.alloc(0), fin: true }]],
    ['one that version 3 does not know', '8003 00ff  00 000001  00', [{ type: 'unknown', number: 255 }]],
    ['two, one after the other', '8003 0006 00 000004 00000001  00000003 00 000001 78', [{ type: 'ping', id: 1 }, { type: 'data', streamId: 3, data: Buffer.from('x'), fin: false }]],
  ])('%s', (_, bytes, frames) => {
    expect(read(hex(bytes))).toEqual(frames)
    // However they are cut: what there is of data comes in pieces, all else is whole.
    const reader = new FrameReader()
    const pieces = [...hex(bytes)].flatMap((byte) => [...reader.push(Buffer.from([byte]))])
    expect(joined(pieces)).toEqual(frames)
  })

  const joined = (pieces: Frame[]): Frame[] => pieces.reduce<Frame[]>((done, frame) => {
    const last = done.at(-1)
    if (frame.type !== 'data' || last?.type !== 'data' || last.streamId !== frame.streamId || last.fin) return [...done, frame]
    return [...done.slice(0, -1), { ...last, data: Buffer.concat([last.data, frame.data]), fin: frame.fin }]
  }, [])

  test.each<[string, string]>([
    ['version 2', '8002 0006 00 000004 00000001'], ['a control frame beyond 64 KiB', '8003 0001 00 010001'], ['SYN_STREAM without its ids', '8003 0001 00 000004 00000001'],
    ['SYN_REPLY without an id', '8003 0002 00 000000'], ['RST_STREAM of another length', '8003 0003 00 000004 00000001'], ['SETTINGS that count wrongly', '8003 0004 00 000004 00000001'],
    ['SETTINGS with a count beyond all memory', '8003 0004 00 000004 ffffffff'], ['PING of another length', '8003 0006 00 000005 0000000100'], ['GOAWAY as in version 2', '8003 0007 00 000004 00000001'],
    ['WINDOW_UPDATE of another length', '8003 0009 00 000004 00000001'],
  ])('%s is an error of the protocol', (_, bytes) => expect(() => read(hex(bytes))).toThrow(SpdyProtocolError))
})

describe('frames as they are written', () => {
  test.each<[string, Buffer, string]>([
    ['SYN_REPLY', encode.synReply(1, hex('aabb')), '8003 0002 00 000006 00000001 aabb'],
    ['RST_STREAM: REFUSED_STREAM', encode.rstStream(5, 3), '8003 0003 00 000008 00000005 00000003'],
    ['PING', encode.ping(0x7fff_ffff), '8003 0006 00 000004 7fffffff'],
    ['GOAWAY: PROTOCOL_ERROR', encode.goAway(3, 1), '8003 0007 00 000008 00000003 00000001'],
    ['WINDOW_UPDATE', encode.windowUpdate(3, 40_000), '8003 0009 00 000008 00000003 00009c40'],
    ['the header of DATA', encode.dataHeader(7, 0x01_0203, false), '00000007 00 010203'],
    ['the header of the last DATA', encode.dataHeader(7, 0, true), '00000007 01 000000'],
  ])('%s', (_, bytes, expected) => expect(bytes.toString('hex')).toBe(hex(expected).toString('hex')))
})

describe('header blocks', () => {
  test('the dictionary begins and ends as in the draft, and is the one whose id every SPDY/3 stream names', () => {
    expect(dictionary.subarray(0, 11).toString('latin1')).toBe('\0\0\0\x07options')
    expect(dictionary.subarray(-24).toString()).toBe('iso-8859-1,utf-,*,enq=0.')
    expect(deflateSync('x', { dictionary }).subarray(2, 6).toString('hex')).toBe('e3c6a7c2')
  })
  test('names and values (2.6.10): a count, and lengths before all texts', () => {
    const bytes = hex('00000002  00000004 706f7274  00000002 3830  00000001 61  00000003 62 00 63')
    const headers = new Map([['port', '80'], ['a', 'b\0c']])
    expect(parseBlock(bytes)).toEqual(headers)
    expect(renderBlock(headers).toString('hex')).toBe(bytes.toString('hex'))
  })
  test('what kubectl sends: the first block of a connection', () =>
    expect(new HeaderReader().read(hex('78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff'))).toEqual(new Map([['streamtype', 'error']])))
  test('blocks of one zlib stream, each flushed: later ones refer to what was before', async () => {
    const deflate = headerDeflater()
    const reader = new HeaderReader()
    for (let id = 0; id < 500; id += 1) {
      const headers = { streamtype: id % 2 ? 'data' : 'error', port: '8080', requestid: String(id >> 1), filler: `${id}`.repeat(40) }
      expect(reader.read(await deflate(headers))).toEqual(new Map(Object.entries(headers)))
    }
  })
  test('ours are read by any inflater, and nothing is held back', async () => {
    const inflater = createInflate({ dictionary, finishFlush: constants.Z_SYNC_FLUSH })
    const out: Buffer[] = []
    inflater.on('data', (chunk: Buffer) => out.push(chunk))
    const writer = new HeaderWriter()
    for (const headers of [new Map<string, string>(), new Map([['a', 'b']]), new Map<string, string>()]) {
      out.length = 0
      await new Promise<void>((resolve) => { inflater.write(writer.write(headers), () => resolve()) })
      expect(parseBlock(Buffer.concat(out))).toEqual(headers)
    }
    // The marker of Z_SYNC_FLUSH: without it, kubectl's reader waits for more.
    expect(writer.write(new Map()).subarray(-5).toString('hex')).toBe('000000ffff')
  })
  test.each<[string, string]>([
    ['a name in capitals', '00000001 00000001 41 00000000'], ['a name twice', '00000002 00000001 61 00000000 00000001 61 00000000'], ['a name of nothing', '00000001 00000000 00000000'],
    ['a count beyond what is there', '00000001'], ['a length beyond what is there', '00000001 00000009 61'], ['too many names', '00010000'], ['nothing at all', ''],
  ])('%s is refused', (_, bytes) => expect(() => parseBlock(hex(bytes))).toThrow(SpdyProtocolError))
  test('one that would grow beyond all bounds is refused at 64 KiB', () => {
    const bomb = deflateSync(Buffer.alloc(10 << 20), { dictionary, finishFlush: constants.Z_SYNC_FLUSH })
    expect(bomb.length).toBeLessThan(20_000)
    expect(() => new HeaderReader().read(bomb)).toThrow('cannot be read')
  })
  test('`__proto__` is a name like any other', () => {
    const [plain] = [hex('00000001 00000009 5f5f70726f746f5f5f 00000001 78')]
    expect([...parseBlock(plain)]).toEqual([['__proto__', 'x']])
    expect(inflateRawSync(new HeaderWriter().write(new Map([['__proto__', 'x']])).subarray(6), { finishFlush: constants.Z_SYNC_FLUSH, dictionary })).toEqual(plain)
  })
})
