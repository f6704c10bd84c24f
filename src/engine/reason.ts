/**
 * The one table of failure reasons. Status, logs, diagnosis and events of both engines speak from it.
 *
 * `vendorCode` is one of the 26 values of `FailedReasonCode` in the answer of DiagnoseVpnConnections (Alibaba Cloud
 * VPN Gateway API 2016-04-28, SDK model 7.3.2). The vendor has fewer words than there are causes: ours are finer,
 * and several of them share a vendor code.
 */

export type FailedReasonCode =
  | 'PeerMismatch'
  | 'AlgorithmMismatch'
  | 'EncryptionAlgorithmMismatch'
  | 'AuthenticationAlgorithmMismatch'
  | 'DhGroupMismatch'
  | 'PskMismatch'
  | 'PeerIdMismatch'
  | 'DpdHashNotifyCompatibility'
  | 'DpdTimeout'
  | 'IkeVersionMismatch'
  | 'NegotiationModeMismatch'
  | 'NatTMismatch'
  | 'LifetimeMismatch'
  | 'SecurityProtocolMismatch'
  | 'EncapsulationModeMismatch'
  | 'AlgorithmCompatibility'
  | 'TrafficSelectorMismatch'
  | 'PfsMismatch'
  | 'CommitMismatch'
  | 'ProposalMismatch'
  | 'NegotiationFailed'
  | 'Phase1NegotiationTimeout'
  | 'Phase2NegotiationTimeout'
  | 'NoResponse'
  | 'ReceiveDeleteNotify'
  | 'NoExceptionFound'

export interface Reason {
  readonly vendorCode: FailedReasonCode
  /** The phase of the negotiation it concerns; 0 where it is neither. */
  readonly phase: 0 | 1 | 2
  /** `Normal` is not a failure. `Warn` may pass by itself. `Critical` stays until somebody changes something. */
  readonly severity: 'Critical' | 'Warn' | 'Normal'
  readonly title: Text
  /** What to do about it. */
  readonly remedy: Text
}

export interface Text {
  readonly en: string
  readonly zh: string
}

const table = {
  // --- No failure --------------------------------------------------------------------------------------------
  CONNECTING: {
    vendorCode: 'NoExceptionFound',
    phase: 0,
    severity: 'Normal',
    title: { en: 'Negotiation is in progress', zh: '正在协商' },
    remedy: { en: 'Wait for the negotiation to finish.', zh: '请等待协商完成。' },
  },
  WAITING_FOR_TRAFFIC: {
    vendorCode: 'NoExceptionFound',
    phase: 0,
    severity: 'Normal',
    title: { en: 'Waiting for traffic before negotiating', zh: '等待流量触发协商' },
    remedy: {
      en: 'Send a packet to the remote subnet, or set EffectImmediately to true.',
      zh: '向对端网段发送流量，或将EffectImmediately设为true。',
    },
  },

  STOPPED_BY_OPERATOR: {
    vendorCode: 'NoExceptionFound',
    phase: 0,
    severity: 'Normal',
    title: { en: 'Stopped by an operator', zh: '已由运维人员停止' },
    remedy: {
      en: 'Start it with SuidaoStartTunnel or in the console; the audit trail says who stopped it.',
      zh: '请调用SuidaoStartTunnel或在控制台中启动隧道；审计记录中可查到由谁停止。',
    },
  },

  // --- Phase 1: keys and identities --------------------------------------------------------------------------
  PSK_MISSING: {
    vendorCode: 'PskMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'No pre-shared key for these two identities', zh: '没有与双方标识对应的预共享密钥' },
    remedy: {
      en: 'Compare LocalId and RemoteId with the identities in the evidence; the peer must send what RemoteId says.',
      zh: '请将LocalId、RemoteId与证据中的标识对照，对端发送的标识必须与RemoteId一致。',
    },
  },
  PSK_MISMATCH: {
    vendorCode: 'PskMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The pre-shared keys differ', zh: '两端预共享密钥不一致' },
    remedy: {
      en: 'Set the same pre-shared key at both ends; look for spaces and line ends copied along with it.',
      zh: '请在两端配置相同的预共享密钥，注意复制时带入的空格或换行。',
    },
  },
  PEER_HAS_NO_PSK: {
    vendorCode: 'PskMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The peer has no pre-shared key for us', zh: '对端没有为本端配置预共享密钥' },
    remedy: {
      en: 'Give the peer a key for the address of this VPN gateway.',
      zh: '请在对端设备上为本VPN网关的地址配置预共享密钥。',
    },
  },
  PEER_REJECTED_AUTH: {
    vendorCode: 'PskMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The peer rejected our authentication', zh: '对端拒绝了本端的身份验证' },
    remedy: {
      en: "Compare the pre-shared key, then LocalId with what the peer expects, then the IKEv1 mode; the peer's log says which.",
      zh: '请依次核对预共享密钥、LocalId与对端期望的标识、IKEv1协商模式；对端日志会说明具体原因。',
    },
  },
  ID_MISMATCH: {
    vendorCode: 'PeerIdMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The identities do not match', zh: '两端身份标识不匹配' },
    remedy: {
      en: 'The peer must send the identity in RemoteId and expect the one in LocalId; both are in the evidence as they arrived.',
      zh: '对端发送的标识须等于RemoteId，期望的标识须等于LocalId；证据中列出了实际收到的值。',
    },
  },
  MODE_MISMATCH: {
    vendorCode: 'NegotiationModeMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'One end uses main mode, the other aggressive mode', zh: '两端IKEv1协商模式不一致' },
    remedy: { en: 'Set the same IkeMode at both ends.', zh: '请在两端配置相同的IkeMode。' },
  },
  CERT_WRONG_CA: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: {
      en: "The peer's certificate is not from the configured CA",
      zh: '对端证书不是由所配置的CA签发',
    },
    remedy: {
      en: "Set RemoteCaCertificate to the CA that signed the peer's certificate.",
      zh: '请将RemoteCaCertificate设为签发对端证书的CA证书。',
    },
  },
  CERT_UNKNOWN_CA: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: { en: "The issuer of the peer's certificate is unknown", zh: '无法识别对端证书的签发者' },
    remedy: {
      en: 'The evidence names the issuer; put its certificate into RemoteCaCertificate.',
      zh: '证据中给出了签发者名称，请将其证书填入RemoteCaCertificate。',
    },
  },
  CERT_EXPIRED: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: {
      en: "The peer's certificate has expired, or is not valid yet",
      zh: '对端证书已过期或尚未生效',
    },
    remedy: {
      en: "Renew the peer's certificate, and check the clocks of both ends; its period of validity is in the evidence.",
      zh: '请更新对端证书，并检查两端的系统时间；证据中给出了证书的有效期。',
    },
  },
  CERT_CA_EXPIRED: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The configured CA certificate has expired', zh: '所配置的CA证书已过期' },
    remedy: {
      en: "Set RemoteCaCertificate to the current certificate of the peer's CA.",
      zh: '请将RemoteCaCertificate更新为对端CA当前有效的证书。',
    },
  },
  CERT_NAME_MISMATCH: {
    vendorCode: 'PeerIdMismatch',
    phase: 1,
    severity: 'Critical',
    title: {
      en: "The peer's certificate does not name the identity that the peer claims",
      zh: '对端证书中没有对端所声明的标识',
    },
    remedy: {
      en: "The peer's certificate needs RemoteId as a subjectAltName, an IP address or a DNS name.",
      zh: '对端证书的subjectAltName（IP地址或DNS名称）中须包含RemoteId。',
    },
  },
  CERT_MISSING: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The peer sent no certificate', zh: '对端没有发送证书' },
    remedy: {
      en: 'Have the peer send its certificate always, not only when its own CA is asked for.',
      zh: '请将对端设为始终发送证书，而不是仅在收到对应的证书请求时发送。',
    },
  },
  CERT_KIND_MISMATCH: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: {
      en: 'One end signs with RSA, the other with an elliptic curve',
      zh: '两端证书的密钥类型不同（RSA与椭圆曲线）',
    },
    remedy: {
      en: "In IKEv1 both ends need keys of one kind; ours follows that of the peer's CA. Use IKEv2, or a CA of the kind of the peer's certificate.",
      zh: 'IKEv1要求两端密钥类型相同，本端密钥类型与对端CA一致。请改用IKEv2，或使用与对端证书密钥类型相同的CA。',
    },
  },
  CERT_INVALID: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: { en: "The peer's certificate is not valid", zh: '对端证书无效' },
    remedy: {
      en: 'The evidence says what is wrong with it or with its chain; have it issued again.',
      zh: '证据中说明了证书或证书链的问题，请重新签发对端证书。',
    },
  },
  PEER_REJECTED_CERTIFICATE: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The peer rejected our certificate', zh: '对端拒绝了本端的证书' },
    remedy: {
      en: "Give the peer the CA certificate of this gateway, and compare LocalId with the identity that the peer expects; the peer's log says which.",
      zh: '请在对端导入本网关的CA证书，并核对LocalId与对端期望的标识；对端日志会说明具体原因。',
    },
  },
  AUTH_METHOD_MISMATCH: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Critical',
    title: {
      en: 'One end uses a certificate, the other a pre-shared key',
      zh: '一端使用证书，另一端使用预共享密钥',
    },
    remedy: {
      en: 'Set RemoteCaCertificate when the peer uses a certificate, and leave it empty when it uses a pre-shared key.',
      zh: '对端使用证书时请配置RemoteCaCertificate，对端使用预共享密钥时请将其留空。',
    },
  },

  // --- Phase 1: proposals ------------------------------------------------------------------------------------
  IKE_VERSION_MISMATCH: {
    vendorCode: 'IkeVersionMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The ends use different IKE versions', zh: '两端IKE版本不一致' },
    remedy: { en: 'Set the same IkeVersion at both ends.', zh: '请在两端配置相同的IkeVersion。' },
  },
  IKE_ENCRYPTION_MISMATCH: {
    vendorCode: 'EncryptionAlgorithmMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The phase-1 encryption algorithms differ', zh: '第一阶段加密算法不一致' },
    remedy: {
      en: 'Set IkeEncAlg to an algorithm that the peer offers; its list is in the evidence.',
      zh: '请将IkeEncAlg设为对端支持的算法，证据中列出了对端的提议。',
    },
  },
  IKE_AUTHENTICATION_MISMATCH: {
    vendorCode: 'AuthenticationAlgorithmMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The phase-1 authentication algorithms differ', zh: '第一阶段认证算法不一致' },
    remedy: {
      en: 'Set IkeAuthAlg to an algorithm that the peer offers; its list is in the evidence.',
      zh: '请将IkeAuthAlg设为对端支持的算法，证据中列出了对端的提议。',
    },
  },
  IKE_DH_GROUP_MISMATCH: {
    vendorCode: 'DhGroupMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The phase-1 Diffie-Hellman groups differ', zh: '第一阶段DH组不一致' },
    remedy: {
      en: 'Set IkePfs to a group that the peer offers; its list is in the evidence.',
      zh: '请将IkePfs设为对端支持的DH组，证据中列出了对端的提议。',
    },
  },
  IKE_PROPOSAL_MISMATCH: {
    vendorCode: 'AlgorithmMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'No common phase-1 algorithms', zh: '第一阶段没有共同支持的算法' },
    remedy: {
      en: 'Align IkeEncAlg, IkeAuthAlg and IkePfs with the peer; the evidence lists what it offers and what is configured.',
      zh: '请使IkeEncAlg、IkeAuthAlg、IkePfs与对端一致；证据中列出了对端的提议和本端配置。',
    },
  },
  IKE_PROPOSAL_OR_UNKNOWN_PEER: {
    vendorCode: 'ProposalMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The peer accepts none of our phase-1 settings', zh: '对端不接受本端的第一阶段参数' },
    remedy: {
      en: 'Compare IkeEncAlg, IkeAuthAlg, IkePfs and IkeVersion, and check that the peer has an entry for the address of this VPN gateway.',
      zh: '请核对IkeEncAlg、IkeAuthAlg、IkePfs和IkeVersion，并确认对端配置了本VPN网关的地址。',
    },
  },
  UNKNOWN_PEER: {
    vendorCode: 'PeerMismatch',
    phase: 1,
    severity: 'Critical',
    title: { en: 'Nothing is configured between these two addresses', zh: '没有与该对地址对应的配置' },
    remedy: {
      en: 'Check the address of the customer gateway and IkeVersion.',
      zh: '请检查用户网关的地址和IkeVersion。',
    },
  },
  HALF_OPEN_LIMIT: {
    vendorCode: 'NegotiationFailed',
    phase: 1,
    severity: 'Warn',
    title: { en: 'Too many unfinished attempts from this peer', zh: '该对端未完成的协商过多' },
    remedy: {
      en: 'Attempts are accepted again shortly; find out why the earlier ones did not finish.',
      zh: '稍后会恢复接受协商，请排查此前协商未完成的原因。',
    },
  },

  // --- Phase 1: silence --------------------------------------------------------------------------------------
  NAT_T_DISABLED: {
    vendorCode: 'NatTMismatch',
    phase: 1,
    severity: 'Critical',
    title: {
      en: 'There is a NAT in between, and NAT traversal is off',
      zh: '两端之间存在NAT，但未启用NAT穿越',
    },
    remedy: {
      en: 'Set EnableNatTraversal to true at both ends and let UDP 4500 through.',
      zh: '请在两端将EnableNatTraversal设为true，并放行UDP 4500。',
    },
  },
  AUTH_SILENT: {
    vendorCode: 'Phase1NegotiationTimeout',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The peer stopped answering during authentication', zh: '发送身份验证报文后对端不再响应' },
    remedy: {
      en: 'Compare the pre-shared key: in main mode many devices do not answer when it differs. Then check that UDP 4500 passes.',
      zh: '请先核对预共享密钥：主模式下密钥不一致时许多设备不会响应；再检查UDP 4500是否放行。',
    },
  },
  IKE_TIMEOUT: {
    vendorCode: 'Phase1NegotiationTimeout',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The peer stopped answering during phase 1', zh: '第一阶段协商中对端停止响应' },
    remedy: {
      en: "Check the peer's log, and check that UDP 500 and 4500 and large or fragmented packets pass both ways.",
      zh: '请查看对端日志，并检查UDP 500、4500以及大报文或分片报文能否双向通过。',
    },
  },
  PEER_SILENT: {
    vendorCode: 'NoResponse',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The peer does not answer', zh: '对端无响应' },
    remedy: {
      en: 'Check the address of the customer gateway, that the device is running, and that UDP 500 and 4500 pass both ways.',
      zh: '请检查用户网关的地址、对端设备是否运行，以及UDP 500、4500能否双向通过。',
    },
  },
  NO_ROUTE: {
    vendorCode: 'NoResponse',
    phase: 1,
    severity: 'Critical',
    title: { en: 'The gateway has no route to the peer', zh: '网关没有到对端的路由' },
    remedy: {
      en: 'Give the node a route to the address of the customer gateway.',
      zh: '请为网关所在节点配置到用户网关地址的路由。',
    },
  },

  // --- Phase 2 -----------------------------------------------------------------------------------------------
  ESP_ENCRYPTION_MISMATCH: {
    vendorCode: 'EncryptionAlgorithmMismatch',
    phase: 2,
    severity: 'Critical',
    title: { en: 'The phase-2 encryption algorithms differ', zh: '第二阶段加密算法不一致' },
    remedy: {
      en: 'Set IpsecEncAlg to an algorithm that the peer offers; its list is in the evidence.',
      zh: '请将IpsecEncAlg设为对端支持的算法，证据中列出了对端的提议。',
    },
  },
  ESP_AUTHENTICATION_MISMATCH: {
    vendorCode: 'AuthenticationAlgorithmMismatch',
    phase: 2,
    severity: 'Critical',
    title: { en: 'The phase-2 authentication algorithms differ', zh: '第二阶段认证算法不一致' },
    remedy: {
      en: 'Set IpsecAuthAlg to an algorithm that the peer offers; its list is in the evidence.',
      zh: '请将IpsecAuthAlg设为对端支持的算法，证据中列出了对端的提议。',
    },
  },
  PFS_MISMATCH: {
    vendorCode: 'PfsMismatch',
    phase: 2,
    severity: 'Critical',
    title: { en: 'The phase-2 PFS groups differ', zh: '第二阶段PFS（DH组）不一致' },
    remedy: {
      en: 'Set IpsecPfs to the group of the peer, or to disabled when the peer has PFS off.',
      zh: '请将IpsecPfs设为与对端相同的DH组；若对端未启用PFS，则设为disabled。',
    },
  },
  ESP_PROPOSAL_MISMATCH: {
    vendorCode: 'ProposalMismatch',
    phase: 2,
    severity: 'Critical',
    title: { en: 'No common phase-2 algorithms', zh: '第二阶段没有共同支持的算法' },
    remedy: {
      en: 'Align IpsecEncAlg, IpsecAuthAlg and IpsecPfs with the peer.',
      zh: '请使IpsecEncAlg、IpsecAuthAlg、IpsecPfs与对端一致。',
    },
  },
  SECURITY_PROTOCOL_MISMATCH: {
    vendorCode: 'SecurityProtocolMismatch',
    phase: 2,
    severity: 'Critical',
    title: { en: 'The peer asks for AH instead of ESP', zh: '对端请求使用AH而不是ESP' },
    remedy: {
      en: 'Set the peer to ESP; AH, which does not encrypt, is not offered.',
      zh: '请在对端改用ESP协议；本端不支持不加密的AH。',
    },
  },
  ENCAPSULATION_MODE_MISMATCH: {
    vendorCode: 'EncapsulationModeMismatch',
    phase: 2,
    severity: 'Critical',
    title: { en: 'The peer asks for transport mode', zh: '对端请求使用传输模式' },
    remedy: {
      en: 'Set the peer to tunnel mode, with its own subnets and those of the VPC.',
      zh: '请在对端改用隧道模式，并配置其本地网段和VPC网段。',
    },
  },
  SUBNET_MISMATCH: {
    vendorCode: 'TrafficSelectorMismatch',
    phase: 2,
    severity: 'Critical',
    title: { en: 'The protected subnets do not match', zh: '两端感兴趣流网段不匹配' },
    remedy: {
      en: 'LocalSubnet must be what the peer has as its remote network and RemoteSubnet what it has as its own, with the same mask.',
      zh: 'LocalSubnet须与对端配置的远端网段一致，RemoteSubnet须与对端的本地网段一致，掩码也须相同。',
    },
  },
  SUBNETS_NARROWED: {
    vendorCode: 'TrafficSelectorMismatch',
    phase: 2,
    severity: 'Warn',
    title: { en: 'The peer agreed to only some of the subnets', zh: '对端只接受了部分网段' },
    remedy: {
      en: 'Add the missing subnets at the peer; the evidence lists what was asked for and what was agreed.',
      zh: '请在对端补充缺少的网段；证据中列出了请求的和最终协商的网段。',
    },
  },
  CHILD_TIMEOUT: {
    vendorCode: 'Phase2NegotiationTimeout',
    phase: 2,
    severity: 'Critical',
    title: { en: 'The peer stopped answering during phase 2', zh: '第二阶段协商中对端停止响应' },
    remedy: {
      en: "Check the peer's log; many devices stay silent when phase-2 algorithms or subnets differ.",
      zh: '请查看对端日志；许多设备在第二阶段算法或网段不一致时不会响应。',
    },
  },
  REKEY_FAILED: {
    vendorCode: 'NegotiationFailed',
    phase: 2,
    severity: 'Critical',
    title: { en: 'New keys could not be agreed on', zh: '密钥更新失败' },
    remedy: {
      en: 'Compare IpsecPfs first: in IKEv2 a different group shows only at the first re-key.',
      zh: '请先核对IpsecPfs：IKEv2中DH组不一致要到首次密钥更新时才会暴露。',
    },
  },

  // --- After it was up ---------------------------------------------------------------------------------------
  DPD_TIMEOUT: {
    vendorCode: 'DpdTimeout',
    phase: 0,
    severity: 'Critical',
    title: { en: 'The peer stopped answering', zh: '对端不再响应（DPD超时）' },
    remedy: {
      en: "Check that the peer's device is running and reachable; the tunnel is retried automatically.",
      zh: '请检查对端设备是否运行、网络是否可达；隧道会自动重新协商。',
    },
  },
  PEER_CLOSED: {
    vendorCode: 'ReceiveDeleteNotify',
    phase: 0,
    severity: 'Warn',
    title: { en: 'The peer closed the tunnel', zh: '对端关闭了隧道' },
    remedy: {
      en: "Check the peer's log for the cause: a restart, a configuration change or an idle timeout.",
      zh: '请在对端日志中查找原因：重启、配置变更或空闲超时。',
    },
  },

  // --- Inside a tunnel that is up: BGP and the health check ---------------------------------------------------
  BGP_CONNECTING: {
    vendorCode: 'NoExceptionFound',
    phase: 0,
    severity: 'Normal',
    title: { en: 'The BGP session is being set up', zh: '正在建立BGP会话' },
    remedy: {
      en: 'Wait for the session; it takes a few seconds after the tunnel is up.',
      zh: '请等待会话建立，隧道建立后通常需要数秒。',
    },
  },
  BGP_WRONG_ASN: {
    vendorCode: 'PeerMismatch',
    phase: 0,
    severity: 'Critical',
    title: { en: 'The BGP session is refused because of an AS number', zh: 'AS号不一致，BGP会话被拒绝' },
    remedy: {
      en: 'Compare the ASN of the customer gateway with that of the device, and LocalAsn with what the device expects.',
      zh: '请核对用户网关的AS号与设备的AS号，以及LocalAsn与设备上配置的对端AS号。',
    },
  },
  BGP_NO_ANSWER: {
    vendorCode: 'NoResponse',
    phase: 0,
    severity: 'Critical',
    title: { en: 'The peer does not answer the BGP session', zh: '对端对BGP连接无响应' },
    remedy: {
      en: 'Compare both inside addresses and the AuthKey, let TCP 179 through, and route the TunnelCidr into the tunnel at the peer.',
      zh: '请核对双方隧道内地址与AuthKey，放行TCP 179，并在对端将TunnelCidr路由到隧道。',
    },
  },
  BGP_REFUSED: {
    vendorCode: 'NegotiationFailed',
    phase: 0,
    severity: 'Critical',
    title: { en: 'The peer refuses the BGP session', zh: '对端拒绝BGP连接' },
    remedy: {
      en: 'Start BGP at the peer, with a neighbour of the LocalBgpIp and LocalAsn of this tunnel.',
      zh: '请在对端启用BGP，并以本隧道的LocalBgpIp和LocalAsn配置邻居。',
    },
  },
  BGP_HOLD_TIMER: {
    vendorCode: 'NoResponse',
    phase: 0,
    severity: 'Warn',
    title: { en: 'The BGP session ended: the peer stopped answering', zh: 'BGP保持时间到期，会话中断' },
    remedy: {
      en: 'Check that the peer is running and reachable through the tunnel; the session is retried automatically.',
      zh: '请检查对端是否运行、隧道内是否可达；会话会自动重新建立。',
    },
  },
  BGP_CLOSED: {
    vendorCode: 'ReceiveDeleteNotify',
    phase: 0,
    severity: 'Warn',
    title: { en: 'The peer closed the BGP session', zh: '对端关闭了BGP会话' },
    remedy: {
      en: 'The evidence is what the peer said; check its log for the cause.',
      zh: '证据为对端给出的原因，请在对端日志中查找。',
    },
  },
  BGP_DAEMON: {
    vendorCode: 'NegotiationFailed',
    phase: 0,
    severity: 'Critical',
    title: { en: 'The BGP daemon of this gateway is failing', zh: '网关的BGP守护进程异常' },
    remedy: {
      en: 'It is restarted automatically; if this lasts, check the evidence and the log of the node.',
      zh: '系统会自动重新启动该进程；若长时间未恢复，请查看证据与节点日志。',
    },
  },
  HEALTH_CHECK_FAILED: {
    vendorCode: 'NoResponse',
    phase: 0,
    severity: 'Warn',
    title: { en: 'The health check gets no answers', zh: '健康检查无应答' },
    remedy: {
      en: 'Check that the destination answers pings from the source address, and that the peer routes the answers into the tunnel.',
      zh: '请检查目的地址能否应答来自源地址的ping，且对端将应答路由到隧道。',
    },
  },

  // --- Our side ----------------------------------------------------------------------------------------------
  CHARON_DOWN: {
    vendorCode: 'NegotiationFailed',
    phase: 0,
    severity: 'Critical',
    title: { en: 'The IKE daemon of this gateway is not running', zh: '网关的IKE守护进程未运行' },
    remedy: {
      en: 'It is being restarted; if this lasts, check its log on the node.',
      zh: '系统正在重新启动该进程；若长时间未恢复，请查看节点上的日志。',
    },
  },
  LOCAL_KERNEL: {
    vendorCode: 'NegotiationFailed',
    phase: 2,
    severity: 'Critical',
    title: { en: 'The gateway could not install the keys', zh: '网关无法安装IPsec密钥' },
    remedy: {
      en: 'This is a fault of the node, not of the settings: run the doctor command on it.',
      zh: '这是节点自身的故障，与配置无关：请在该节点上运行doctor检查。',
    },
  },
  NEGOTIATION_FAILED: {
    vendorCode: 'NegotiationFailed',
    phase: 0,
    severity: 'Critical',
    title: { en: 'The negotiation failed', zh: '协商失败' },
    remedy: {
      en: 'The daemon gave no known cause; compare all settings with the peer and check its log.',
      zh: '守护进程未给出已知原因；请与对端逐项核对配置并查看其日志。',
    },
  },
} as const satisfies Readonly<Record<string, Reason>>

export type ReasonCode = keyof typeof table

export const reasons: Readonly<Record<ReasonCode, Reason>> = table

/** What the end that was refused knows: the other one knows more. */
const vague: ReadonlySet<ReasonCode> = new Set([
  'PEER_REJECTED_AUTH',
  'PEER_REJECTED_CERTIFICATE',
  'IKE_PROPOSAL_OR_UNKNOWN_PEER',
  'ESP_PROPOSAL_MISMATCH',
  'AUTH_SILENT',
  'IKE_TIMEOUT',
  'PEER_SILENT',
  'CHILD_TIMEOUT',
  'NEGOTIATION_FAILED',
])

/** Milliseconds within which the attempts of two ends are about the same settings. */
const bothEndsWindow = 60_000

interface Seen {
  readonly code: ReasonCode
  /** Milliseconds. */
  readonly at: number
}

/**
 * Of what was seen as the initiator and as the responder of a tunnel that which tells why it is not up: the latest,
 * unless the other one is of the same time and phase and says more.
 */
export function tellingOf<T extends Seen>(seen: readonly (T | undefined)[]): T | undefined {
  const [latest, other] = seen.filter((one) => one !== undefined).toSorted((a, b) => b.at - a.at)
  if (!latest || !other || latest.at - other.at > bothEndsWindow) return latest
  const samePhase = reasons[latest.code].phase === reasons[other.code].phase
  return samePhase && vague.has(latest.code) && !vague.has(other.code) ? other : latest
}
