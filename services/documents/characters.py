"""Which characters a compact font holds, and in which order its glyphs stand.

A subset keeps a glyph's place, and every empty place before the last one costs time and bytes. So the characters that
our own forms, headings and letters are made of come first, then what Chinese texts and names are full of, then the
rest of GB 2312 in its own order (the common level, then the other).
"""

_FIRST = (
    "产业创新集群工美资金北京市传统艺术保护发展项目申报书联系人信息名称电话固定请带区号如移动企基本情况一社会"
    "用代码法表成立日期不能晚于今天注册性质国有体民营股份制外商投港澳台其他所属行东城西朝阳丰石景山海淀门头沟"
    "房通州顺义昌平大兴怀柔谷密云延庆经济技开地址办公邮政编范围从数专员多主要类泰蓝玉雕牙漆镶嵌花丝宫毯绣简介"
    "近两年间上度前务收入利润总额纳税执照审计告或财完证明在导单位家按下算值承担任合作协议内容始应实施划与阶段"
    "标来源自筹银贷款说方案使规科小组织结构姓关中的万元户账后现效益和绩指当诚诺郑重提交全部材料真整存弄虚假二"
    "未复获得同支持知识权清晰确三无严失记录四接受监督检查评价愿相律责并退回我已阅读意述授加盖章等致超过以师示"
    "室及是否首次认为只文面积米徒弟拜时件建设早费细凭票付片核比例个限奖励向活截止之点礼品量套验格准连补助批最"
    "周背必进占由服别备购置研场改造软测鉴宣藏理低槛达到附维扫描可版据摘正你第悉需予具见登管逐条答修逾再形式满"
    "对该给独生变化局草稿依即载待命签字月序节尚写事口访问网站击图直身页钮根填疑拨打底侧题咨询热线非陆选择它预"
    "才常令程将送箱处型居步栏右红色看样解绑列状态操试继续删除增流左分够库出闪插您求各允许返暂临储醒添环但且功"
    "详撤销充五了这们就也而子那着里道然种么去学都没起还好些心她因想军者力长把机十此又高很物手战被什己果斯特老"
    "世先教儿原声水论走几气尔更女神何安少反太感做德克至队便空决治马司眼则听白却界光放强像难思王象路南住边死张"
    "取拉望觉领共观切院让候争运笔珐琅掐烧磨镀胎釉錾刻榫卯髹饰器绒风筝灯剪纸瓷陶木竹坊斋轩阁铺厂店馆匠纹龙凤牡"
    "丹莲荷梅兰菊松鹤鱼鸟佛瓶盘碗壶炉鼎屏椅柜盒摆铜铁锡宝翠珊瑚玛瑙晶骨角贝壳皮布绸缎绢棉麻染绳球赵钱孙李吴冯"
    "陈卫蒋沈韩杨朱秦尤吕孔曹华魏姜谢邹苏潘葛彭郎鲁韦苗俞袁柳鲍史唐薛雷贺倪汤罗毕郝傅齐康伍余顾孟黄穆萧尹姚邵"
    "汪毛戴宋熊纪舒屈祝董梁杜阮闵席季贾江童颜郭林钟徐邱骆夏蔡田樊胡霍柯卢莫宗丁邓洪包崔龚邢裴翁惠曲封芮靳焦侯"
    "车宁仇甘武符刘詹叶黎薄蒲邰赖卓乔闻翟谭劳冉雍桑桂牛燕浦温庄晏柴阎慕艾古易廖终衡耿匡寇广沃隆巩聂勾敖冷饶曾"
    "沙荆游岳帅"
)
_SIGNS = (
    (0x20, 0x7E),  # ASCII
    (0xA0, 0x17F),  # Latin with marks
    (0x370, 0x3FF),  # Greek
    (0x400, 0x45F),  # Cyrillic
    (0x2000, 0x206F),  # dashes, quotation marks, spaces
    (0x20A0, 0x20BF),  # currencies
    (0x2100, 0x22FF),  # letter-like signs, numerals, arrows, mathematics
    (0x2460, 0x24FF),  # numbers in circles
    (0x25A0, 0x26FF),  # boxes, stars
    (0x3000, 0x303F),  # Chinese punctuation
    (0x3200, 0x33FF),  # months, units
    (0xFF00, 0xFFEF),  # full width
)
# What names and places are written with beyond GB 2312, each block a font of its own: a name needs one of them.
_RARE = (
    ((0x4E00, 0x9FFF),),
    ((0x3400, 0x4DBF),),
    ((0x20000, 0x3FFFF), (0xF900, 0xFAFF)),
)


def ordinary() -> list[int]:
    """GB 2312 and the blocks that Chinese papers take signs from; what is used most comes first."""
    ascii_, *others = (range(first, last + 1) for first, last in _SIGNS)
    punctuation = map(ord, "　、。《》〈〉「」【】（），：；！？“”‘’…—·〔〕．％－＋／①②③④⑤")
    signs = (code for block in others for code in block)
    return list(dict.fromkeys([*ascii_, *punctuation, *map(ord, _FIRST), *map(ord, _gb2312()), *signs]))


def rare(block: int) -> list[int]:
    """One of the three blocks, by its number from 0, without what is ordinary."""
    known = set(ordinary())
    codes = (code for first, last in _RARE[block] for code in range(first, last + 1))
    return [code for code in codes if code not in known]


def _gb2312() -> str:
    pairs = (bytes((high, low)) for high in range(0xA1, 0xF8) for low in range(0xA1, 0xFF))
    return "".join(pair.decode("gb2312", "ignore") for pair in pairs)
