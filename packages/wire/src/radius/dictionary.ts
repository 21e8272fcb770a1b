// Names, numbers and types of attributes, as data: the standard ones of RFC 2865–2869, 3162, 5580, 6911 and of the vendors
// whose gear is on the list of radius.md §16. Used for readable output and for attributes that a policy names.
// One line is `number name type`; a line `@vendor number name` begins a vendor's space.

export type ValueType =
  | 'text'
  | 'octets'
  | 'integer'
  | 'ipaddr'
  | 'ipv6addr'
  | 'ipv6prefix'
  | 'ifid'
  | 'date'
  | 'tagged-integer'
  | 'tagged-text'
  | 'hidden'
  | 'salted'
  | 'tagged-salted';

export interface DictionaryEntry {
  readonly name: string;
  /** 0 for the standard space. */
  readonly vendor: number;
  readonly type: number;
  readonly valueType: ValueType;
}

export interface Dictionary {
  byName(name: string): DictionaryEntry | undefined;
  byNumber(vendor: number, type: number): DictionaryEntry | undefined;
}

/** Reads dictionary text; lookup by name ignores case. Throws nothing: a line of another form is passed over. */
export function createDictionary(text: string = bundled): Dictionary {
  const names = new Map<string, DictionaryEntry>();
  const numbers = new Map<string, DictionaryEntry>();
  let vendor = 0;
  for (const line of text.split('\n')) {
    const [first = '', second = '', third = ''] = line.trim().split(/\s+/);
    if (first === '@vendor') vendor = Number(second);
    const valueType = valueTypes.find((one) => one === third);
    if (valueType === undefined || !/^\d+$/.test(first)) continue;
    const entry = { name: second, vendor, type: Number(first), valueType };
    names.set(second.toLowerCase(), entry);
    numbers.set(`${vendor}/${first}`, entry);
  }
  return {
    byName: (name) => names.get(name.toLowerCase()),
    byNumber: (wanted, type) => numbers.get(`${wanted}/${type}`),
  };
}

const valueTypes: readonly ValueType[] = [
  'text',
  'octets',
  'integer',
  'ipaddr',
  'ipv6addr',
  'ipv6prefix',
  'ifid',
  'date',
  'tagged-integer',
  'tagged-text',
  'hidden',
  'salted',
  'tagged-salted',
];

const bundled = `
1 User-Name text
2 User-Password hidden
3 CHAP-Password octets
4 NAS-IP-Address ipaddr
5 NAS-Port integer
6 Service-Type integer
7 Framed-Protocol integer
8 Framed-IP-Address ipaddr
9 Framed-IP-Netmask ipaddr
10 Framed-Routing integer
11 Filter-Id text
12 Framed-MTU integer
13 Framed-Compression integer
14 Login-IP-Host ipaddr
15 Login-Service integer
16 Login-TCP-Port integer
18 Reply-Message text
19 Callback-Number text
20 Callback-Id text
22 Framed-Route text
23 Framed-IPX-Network integer
24 State octets
25 Class octets
27 Session-Timeout integer
28 Idle-Timeout integer
29 Termination-Action integer
30 Called-Station-Id text
31 Calling-Station-Id text
32 NAS-Identifier text
33 Proxy-State octets
34 Login-LAT-Service text
40 Acct-Status-Type integer
41 Acct-Delay-Time integer
42 Acct-Input-Octets integer
43 Acct-Output-Octets integer
44 Acct-Session-Id text
45 Acct-Authentic integer
46 Acct-Session-Time integer
47 Acct-Input-Packets integer
48 Acct-Output-Packets integer
49 Acct-Terminate-Cause integer
50 Acct-Multi-Session-Id text
51 Acct-Link-Count integer
52 Acct-Input-Gigawords integer
53 Acct-Output-Gigawords integer
55 Event-Timestamp date
56 Egress-VLANID integer
57 Ingress-Filters integer
58 Egress-VLAN-Name text
59 User-Priority-Table octets
60 CHAP-Challenge octets
61 NAS-Port-Type integer
62 Port-Limit integer
63 Login-LAT-Port text
64 Tunnel-Type tagged-integer
65 Tunnel-Medium-Type tagged-integer
66 Tunnel-Client-Endpoint tagged-text
67 Tunnel-Server-Endpoint tagged-text
68 Acct-Tunnel-Connection text
69 Tunnel-Password tagged-salted
76 Prompt integer
77 Connect-Info text
78 Configuration-Token text
79 EAP-Message octets
80 Message-Authenticator octets
81 Tunnel-Private-Group-Id tagged-text
82 Tunnel-Assignment-Id tagged-text
83 Tunnel-Preference tagged-integer
85 Acct-Interim-Interval integer
86 Acct-Tunnel-Packets-Lost integer
87 NAS-Port-Id text
88 Framed-Pool text
89 Chargeable-User-Identity octets
90 Tunnel-Client-Auth-Id tagged-text
91 Tunnel-Server-Auth-Id tagged-text
92 NAS-Filter-Rule text
94 Originating-Line-Info octets
95 NAS-IPv6-Address ipv6addr
96 Framed-Interface-Id ifid
97 Framed-IPv6-Prefix ipv6prefix
98 Login-IPv6-Host ipv6addr
99 Framed-IPv6-Route text
100 Framed-IPv6-Pool text
101 Error-Cause integer
102 EAP-Key-Name octets
123 Delegated-IPv6-Prefix ipv6prefix
126 Operator-Name text
168 Framed-IPv6-Address ipv6addr
169 DNS-Server-IPv6-Address ipv6addr
171 Delegated-IPv6-Prefix-Pool text
172 Stateful-IPv6-Address-Pool text
186 WLAN-Pairwise-Cipher integer
187 WLAN-Group-Cipher integer
188 WLAN-AKM-Suite integer
@vendor 9 Cisco
1 Cisco-AVPair text
2 Cisco-NAS-Port text
@vendor 311 Microsoft
1 MS-CHAP-Response octets
2 MS-CHAP-Error text
7 MS-MPPE-Encryption-Policy integer
8 MS-MPPE-Encryption-Types integer
11 MS-CHAP-Challenge octets
16 MS-MPPE-Send-Key salted
17 MS-MPPE-Recv-Key salted
25 MS-CHAP2-Response octets
26 MS-CHAP2-Success octets
28 MS-Primary-DNS-Server ipaddr
29 MS-Secondary-DNS-Server ipaddr
@vendor 318 APC
1 APC-Service-Type integer
2 APC-Outlets text
3 APC-Perms text
@vendor 3076 ASA
25 ASA-Group-Policy text
@vendor 12356 Fortinet
1 Fortinet-Group-Name text
2 Fortinet-Client-IP-Address ipaddr
3 Fortinet-Vdom-Name text
6 Fortinet-Access-Profile text
@vendor 14122 WISPr
1 WISPr-Location-ID text
2 WISPr-Location-Name text
4 WISPr-Redirection-URL text
7 WISPr-Bandwidth-Max-Up integer
8 WISPr-Bandwidth-Max-Down integer
9 WISPr-Session-Terminate-Time text
@vendor 14823 Aruba
1 Aruba-User-Role text
2 Aruba-User-Vlan integer
4 Aruba-Admin-Role text
5 Aruba-Essid-Name text
9 Aruba-Named-User-Vlan text
@vendor 14988 MikroTik
3 Mikrotik-Group text
7 Mikrotik-Wireless-Enc-Key text
8 Mikrotik-Rate-Limit text
19 Mikrotik-Address-List text
26 Mikrotik-Wireless-VLANID integer
27 Mikrotik-Wireless-VLANID-Type integer
@vendor 25053 Ruckus
1 Ruckus-User-Groups text
3 Ruckus-SSID text
@vendor 25461 PaloAlto
1 PaloAlto-Admin-Role text
2 PaloAlto-Admin-Access-Domain text
3 PaloAlto-Panorama-Admin-Role text
5 PaloAlto-User-Group text
@vendor 41112 Ubiquiti
1 UniFi-Rate-Limit-Up integer
2 UniFi-Rate-Limit-Down integer
`;
